import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatApiKey } from '../../src/auth/api-keys.js';
import { readTokenArguments } from '../../src/bin/arguments.js';
import { configErrorOf } from '../support/config-error-of.js';
import { JwksServer } from '../support/jwks-server.js';
import { makeKey } from '../support/keys.js';
import type { ServiceProcess } from '../support/service-process.js';
import { directoryWith, openFeed, startService } from '../support/test-processes.js';
import { bring, places, secondsFromNow, secret, sign } from '../support/tokens.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

const root = resolve(import.meta.dirname, '../..');
const program = resolve(root, 'dist/bin/create-token.js');
const settings = { AUTH_READER_SECRET: secret };

function makeToken(args: readonly string[], environment: Record<string, string> = settings) {
  return spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    cwd: directoryWith({}),
    env: { PATH: process.env.PATH, ...environment },
  });
}

async function statusWith(service: ServiceProcess, token: string, mid = 'm1'): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(eventsUrl(service.url, 's1', mid), { headers })).status;
}

describe('create-token', () => {
  it('prints a token that a service with the same settings accepts', async () => {
    const named = { ...settings, AUTH_READER_ISSUER: 'app', AUTH_READER_AUDIENCE: 'rejoin' };
    const service = await startService(named);
    const stream = makeToken(['--sid', 's1', '--mid', 'm1', '--minutes', '1'], named);
    const session = makeToken(['--sid', 's1', '--stop'], named);
    for (const { status, stdout } of [stream, session]) {
      expect(status).toBe(0);
      expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    }
    expect(await statusWith(service, stream.stdout.trim())).toBe(200);
    expect(await statusWith(service, stream.stdout.trim(), 'm2')).toBe(403);
    expect(await statusWith(service, session.stdout.trim(), 'm2')).toBe(200);
    const stop = eventsUrl(service.url).replace('/events', '/stop');
    const stopWith = async (token: string) =>
      (await fetch(`${stop}?token=${token.trim()}`, { method: 'POST' })).status;
    await post(eventsUrl(service.url), { type: 'answer' });
    expect([await stopWith(stream.stdout), await stopWith(session.stdout)]).toEqual([403, 200]);
  });

  it.each([
    [[], '--sid'],
    [['--mid', 'm1'], '--sid'],
    [['--sid', 'a:b'], '--sid'],
    [['--sid', 's1', '--mid', ''], '--mid'],
    [['--sid', 's1', '--minutes', '0'], '--minutes'],
    [['--sid', 's1', '--minutes', '1441'], '--minutes'],
    [['--sid', 's1', '--admin'], '--admin'],
  ])('rejects the arguments %j', (args, option) => {
    expect(() => readTokenArguments(args)).toThrow(option);
  });

  it('prints its usage when its arguments are rejected', () => {
    const { status, stdout, stderr } = makeToken([]);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('usage: create-token --sid SESSION');
  });

  it('names AUTH_READER_SECRET when it is not set', () => {
    const { status, stderr } = makeToken(['--sid', 's1'], {});
    expect(status).toBe(1);
    expect(stderr).toContain('AUTH_READER_SECRET is not set');
  });
});

describe('The examples of docs/operations.md', () => {
  const text = readFileSync(resolve(root, 'docs/operations.md'), 'utf8');
  const blockOf = (language: string) =>
    new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(text)?.[1] ?? '';

  it('create tokens in JavaScript and Python that the service accepts', async () => {
    const service = await startService(settings);
    for (const [language, command, args] of [
      ['js', process.execPath, ['--input-type=module', '-']],
      ['python', 'python3', ['-']],
    ] as const) {
      const input = blockOf(language);
      expect(input, language).toContain('AUTH_READER_SECRET');
      const env = { PATH: process.env.PATH, ...settings };
      const { stdout } = spawnSync(command, args, { input, cwd: root, env, encoding: 'utf8' });
      expect(await statusWith(service, stdout.trim()), language).toBe(200);
      expect(await statusWith(service, stdout.trim(), 'm2'), language).toBe(403);
    }
  });
});

describe('An identity provider', () => {
  it('signs tokens for a service that knows only its URL, also with a new key', async () => {
    const provider = await JwksServer.start();
    const service = await startService({ AUTH_READER_JWKS_URL: provider.url });
    expect(await statusWith(service, await provider.sign({ sid: 's1', scope: 'read' }))).toBe(200);
    expect(await statusWith(service, await sign({ sid: 's1', scope: 'read' }))).toBe(401);
    await provider.stop();
    expect(await statusWith(service, await provider.sign({ sid: 's1', scope: 'read' }))).toBe(200);
  });
});

const message = '/sessions/s1/messages/m1';
const asked = [
  ['GET', `${message}/events`],
  ['GET', `${message}/events?offset=x`],
  ['GET', `${message}/stream`],
  ['GET', `${message}/stream?offset=x`],
  ['GET', message],
  ['GET', '/sessions/s1/messages/none'],
  ['GET', '/sessions/s1'],
  ['GET', '/sessions/s2'],
  ['GET', '/sessions/%zz'],
  ['GET', '/ai-sdk/sessions/s1/stream'],
  ['GET', '/ai-sdk/sessions/s2/stream'],
  ['GET', `${message}/stream?compact=true`],
  ['GET', '/'],
  ['GET', '/docs'],
  ['GET', '/docs/none'],
  ['GET', '/inspector'],
  ['GET', '/openapi.json'],
  ['GET', '/unknown'],
  ['GET', '/healthz'],
  ['GET', '/readyz'],
  ['GET', '/metrics'],
  ['HEAD', message],
  ['OPTIONS', message],
  ['PUT', message],
  ['POST', `${message}/events`],
  ['POST', `${message}/lease`],
  ['POST', `${message}/stop`],
  ['DELETE', message],
  ['DELETE', '/sessions/s1'],
] as const;

describe('A reader token', () => {
  it('appears in no log, no response and no metric, valid or not, in any place', async () => {
    const key = makeKey('append', 'read', 'admin');
    const provider = await JwksServer.start();
    const service = await startService({
      LOG_LEVEL: 'trace',
      AUTH_API_KEYS: formatApiKey(key.key),
      AUTH_READER_SECRET: secret,
      AUTH_READER_JWKS_URL: provider.url,
    });
    await provider.stop(); // what it signs meets 503, and a line in the log
    await post(eventsUrl(service.url), { type: 'answer' }, key.headers);
    const claims = { sid: 's1', scope: 'read stop', jti: 'marked-by-the-test' };
    const tokens = [
      await sign(claims),
      await sign({ ...claims, exp: secondsFromNow(-60) }),
      await sign({ ...claims, sid: 'a:b' }),
      await sign(claims, { key: 'k'.repeat(32) }),
      await provider.sign(claims),
      'marked-by-the-test',
      'marked-by-the-test.a.b',
    ];
    const words = ['marked-by-the-test', secret, key.token.split('.')[1] as string].concat(
      tokens.flatMap((token) => token.split('.').filter((part) => part.length > 20)),
    );
    const tells = (text: string) => words.filter((word) => text.includes(word));

    for (const token of tokens) {
      for (const place of places) {
        const { headers, query } = bring(token, place);
        for (const [method, path] of asked) {
          const url = service.url + path + (path.includes('?') ? query.replace('?', '&') : query);
          expect(tells(await responseTo(url, method, headers))).toEqual([]);
        }
      }
    }
    for (const token of tokens) {
      const path = `${service.url}/sessions/${token}/messages/m1`; // by mistake
      expect((await fetch(path)).status).toBeGreaterThanOrEqual(400);
    }
    const feed = await openFeed(feedUrl(service.url, `?token=${tokens[0]}`));
    feed.drop();
    const metrics = await fetch(`${service.url}/metrics`, { headers: key.headers });
    expect(tells(await metrics.text())).toEqual([]);
    const isClosed = () => service.output.split('A feed was closed').length > places.length;
    await waitFor('the feeds are closed', isClosed);
    service.signal('SIGTERM');
    await service.exit();
    expect(service.output).toContain('The keys of reader tokens could not be fetched');
    expect(tells(service.output)).toEqual([]);
  });

  it.each(['AUTH_READER_SECRET', 'AUTH_READER_PUBLIC_KEY', 'AUTH_READER_JWKS_URL'])(
    'or a secret that is put into %s by mistake is not quoted by the error',
    (name) => {
      const { message } = configErrorOf({ [name]: `${'hush'.repeat(10)} x` });
      expect(message).toContain(name);
      expect(message).not.toContain('hush');
    },
  );
});

/** The head and the body of a response, of a feed its head. */
async function responseTo(url: string, method: string, headers: Record<string, string>) {
  const abort = new AbortController();
  const body = method === 'POST' ? '{"type":"answer"}' : null;
  const sent = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json', ...headers };
  const response = await fetch(url, { method, headers: sent, body, signal: abort.signal });
  const isFeed = response.headers.get('content-type')?.includes('event-stream') === true;
  const text = isFeed ? '' : await response.text();
  abort.abort();
  return `${response.status} ${JSON.stringify([...response.headers])} ${text}`;
}
