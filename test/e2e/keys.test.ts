import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatApiKey } from '../../src/auth/api-keys.js';
import { readKeyArguments } from '../../src/bin/arguments.js';
import { loadConfig } from '../../src/config/config.js';
import { configErrorOf } from '../support/config-error-of.js';
import { makeKey, type TestKey } from '../support/keys.js';
import {
  directoryWith,
  type Environment,
  openFeed,
  startService,
} from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

const program = resolve(import.meta.dirname, '../../dist/bin/create-key.js');

function createKey(...args: string[]) {
  return spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
}

const configured = (...keys: TestKey[]): Environment => ({
  AUTH_API_KEYS: keys.map(({ key }) => formatApiKey(key)).join(','),
});

describe('create-key', () => {
  it('prints the header for a client and the setting for the service, which match', async () => {
    const { status, stdout } = createKey('--id', 'worker-1', '--scopes', 'append,read');
    expect(status).toBe(0);
    const [header, setting, rest] = stdout.split('\n') as [string, string, string];
    expect(header).toMatch(/^Authorization: Bearer worker-1\.[A-Za-z0-9_-]{43}$/);
    expect(setting).toMatch(/^AUTH_API_KEYS=worker-1:[0-9a-f]{64}:append\+read$/);
    expect(rest).toBe('');

    const service = await startService({}, directoryWith({ '.env': setting }));
    const url = eventsUrl(service.url);
    const authorization = header.slice('Authorization: '.length);
    expect((await post(url, { type: 'answer' })).status).toBe(401);
    expect((await post(url, { type: 'answer' }, { authorization })).status).toBe(201);
  });

  it('never creates the same key twice', () => {
    const one = () => createKey('--id', 'a', '--scopes', 'admin').stdout;
    expect(one()).not.toBe(one());
  });

  it.each([
    [[], '--id'],
    [['--id', 'a'], '--scopes'],
    [['--scopes', 'read'], '--id'],
    [['--id', 'a.b', '--scopes', 'read'], '--id'],
    [['--id', 'a', '--scopes', 'read,write'], '--scopes'],
    [['--id', 'a', '--scopes', ''], '--scopes'],
    [['--id', 'a', '--scopes', 'read', '--secret', 'x'], '--secret'],
  ])('rejects the arguments %j', (args, option) => {
    expect(() => readKeyArguments(args)).toThrow(option);
  });

  it('prints its usage when its arguments are rejected', () => {
    const { status, stdout, stderr } = createKey();
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('usage: create-key --id ID --scopes SCOPE,...');
  });
});

describe('An API key', () => {
  it('can replace another while both are configured', async () => {
    const [old, young] = [makeKey('append'), makeKey('append')];
    const both = await startService(configured(old, young));
    for (const { headers } of [old, young]) {
      expect((await post(eventsUrl(both.url), { type: 'answer' }, headers)).status).toBe(201);
    }
    const after = await startService(configured(young));
    expect((await post(eventsUrl(after.url), { type: 'answer' }, old.headers)).status).toBe(401);
    expect((await post(eventsUrl(after.url), { type: 'answer' }, young.headers)).status).toBe(201);
  });

  it('allows the service to listen beyond loopback', async () => {
    const service = await startService({ HOST: '0.0.0.0', ...configured(makeKey('read')) });
    const { port } = new URL(service.url);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    expect((await fetch(eventsUrl(`http://127.0.0.1:${port}`))).status).toBe(401);
  });
});

describe('The secret of an API key', () => {
  it('does not appear in the log at level trace, whether it is right or wrong', async () => {
    const [good, weak, strange] = [makeKey('append', 'read'), makeKey('admin'), makeKey('read')];
    const service = await startService({ LOG_LEVEL: 'trace', ...configured(good, weak) });
    for (const { headers, token } of [good, weak, strange]) {
      await post(eventsUrl(service.url), { type: 'answer' }, headers);
      await post(eventsUrl(service.url), { type: '' }, headers);
      await fetch(`${eventsUrl(service.url)}?key=${token}`, { headers });
      await fetch(eventsUrl(service.url), { headers: { authorization: token } });
      await fetch(`${service.url}/unknown`, { headers });
      await fetch(`${service.url}/sessions/%zz`, { headers });
      await fetch(eventsUrl(service.url), { method: 'PUT', headers });
      const problem = await fetch(`${eventsUrl(service.url)}?offset=x`, { headers });
      expect(await problem.text()).not.toContain(secretOf({ token }));
    }
    const feed = await openFeed(feedUrl(service.url), good.headers);
    await feed.frameCount(1);
    feed.drop();
    await waitFor('the feed is closed', () => service.output.includes('A feed was closed'));
    service.signal('SIGTERM');
    await service.exit();
    const words = [good, weak, strange].flatMap(({ token, key }) => [
      secretOf({ token }),
      key.sha256,
    ]);
    expect(words.filter((word) => service.output.includes(word))).toEqual([]);
  });

  it.each([
    ['instead of its digest', ({ key, token }: TestKey) => `${key.id}:${secretOf({ token })}:read`],
    ['as a whole token', ({ token }: TestKey) => token],
    ['for a scope', ({ key, token }: TestKey) => `${key.id}:${key.sha256}:${secretOf({ token })}`],
  ])('that is configured %s by mistake is not quoted by the error', (_, toText) => {
    const key = makeKey('read');
    const { message } = configErrorOf({ AUTH_API_KEYS: toText(key) });
    expect(message).toContain('AUTH_API_KEYS');
    expect(message).not.toContain(secretOf(key));
  });

  it('is not in the settings', () => {
    const key = makeKey('read');
    const config = loadConfig(configured(key), directoryWith({}));
    expect(JSON.stringify(config)).not.toContain(secretOf(key));
  });
});

function secretOf({ token }: Pick<TestKey, 'token'>): string {
  return token.split('.')[1] as string;
}
