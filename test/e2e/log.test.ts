import { describe, expect, it } from 'vitest';
import { formatApiKey } from '../../src/auth/api-keys.js';
import { makeKey } from '../support/keys.js';
import type { ServiceProcess } from '../support/service-process.js';
import {
  clientOf,
  isReady,
  onRedis,
  openFeed,
  startRedis,
  startService,
} from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post, postText } from '../support/worker.js';

/** Words that must not appear in a log, wherever they were sent. */
const body = 'words-of-the-user';
const token = 'token-of-the-reader';

describe('The log at level trace', () => {
  it('contains no event, field name of an event or query string, on memory', async () => {
    const service = await startService({ LOG_LEVEL: 'trace' });
    await post(eventsUrl(service.url), { type: 'answer', [body]: 1 });
    await useIt(service);
    await staysSilentAbout(service, [body, token]);
  });

  it('contains no event, query string or password, on Redis, also when Redis rejects commands', async () => {
    const password = 'password-of-redis';
    const redis = await startRedis();
    const client = clientOf(redis);
    await client.config('SET', 'requirepass', password);
    const service = await startService(
      onRedis(redis, { LOG_LEVEL: 'trace', REDIS_PASSWORD: password }),
    );
    await isReady(service);
    await useIt(service);

    const admin = clientOf(redis, { password });
    await admin.set('stream:events:s1:no-list', 'x');
    await post(eventsUrl(service.url, 's1', 'no-list'), { type: 'answer', content: body });
    await admin.config('SET', 'maxmemory', '1');
    await post(eventsUrl(service.url), { type: 'answer', content: body });
    await admin.config('SET', 'maxmemory', '0');
    redis.signal('SIGSTOP');
    await post(eventsUrl(service.url), { type: 'answer', content: body });
    redis.signal('SIGCONT');
    await redis.kill();
    await post(eventsUrl(service.url), { type: 'answer', content: body });
    await staysSilentAbout(service, [body, token, password]);
  });
});

describe('No log, no error and no metric', () => {
  const key = makeKey('append', 'read', 'admin');
  const [, secret] = key.token.split('.') as [string, string];
  const message = '/sessions/s1/messages/m1';
  const routes = [
    `${message}/events`,
    `${message}/stream`,
    `${message}/stop`,
    `${message}/lease`,
    message,
    '/sessions/s1',
    '/healthz',
    '/readyz',
    '/metrics',
    '/unknown',
    '/sessions/%zz',
  ];
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'DELETE'];
  const bodies = [
    `{"type":"answer","content":"${body}"}`,
    `{"type":"answer","content":"${body}`,
    `{"type":"answer","done":"${body}"}`,
    `{"reason":{"${body}":"${body}"}}`,
  ];

  it('contains a key, a body or a query, on any route and with any error', async () => {
    const service = await startService({
      LOG_LEVEL: 'trace',
      AUTH_API_KEYS: formatApiKey(key.key),
    });
    const responses: string[] = [];
    const wrong = { authorization: `${key.headers.authorization}x` };
    for (const route of routes) {
      for (const method of methods) {
        for (const headers of [key.headers, wrong, { authorization: `Basic ${secret}` }]) {
          responses.push(
            ...(await errorsOf(`${service.url}${route}?token=${token}`, method, headers)),
          );
        }
      }
    }
    const tooLarge = { ...key.headers, 'x-token': token.repeat(1000) };
    responses.push(...(await errorsOf(service.url, 'GET', tooLarge)));
    const metrics = await fetch(`${service.url}/metrics`, { headers: key.headers });
    responses.push(await metrics.text());
    service.signal('SIGTERM');
    await service.exit();
    const words = [body, token, secret];
    expect(responses.length).toBeGreaterThan(100);
    expect(responses.filter((text) => words.some((word) => text.includes(word)))).toEqual([]);
    const lines = service.output.split('\n');
    expect(lines.filter((line) => words.some((word) => tells(line, word)))).toEqual([]);
  });

  /** The response to each of the bodies when it is rejected, and to one of another type. */
  async function errorsOf(url: string, method: string, headers: Record<string, string>) {
    const hasBody = !['GET', 'HEAD', 'OPTIONS'].includes(method);
    const sent: [string, string | null][] = [['text/plain', hasBody ? (bodies[0] ?? null) : null]];
    // Without a right key, nobody reads what it is.
    const read = headers === key.headers ? bodies : bodies.slice(0, 1);
    if (hasBody) sent.push(...read.map((one): [string, string] => ['application/json', one]));
    const texts: string[] = [];
    for (const [type, one] of sent) {
      const abort = new AbortController();
      const init = { method, body: one, signal: abort.signal };
      const typed = { ...headers, 'content-type': type };
      const response = await fetch(url, { ...init, headers: typed });
      if (response.status >= 400) texts.push(await response.text());
      const isFeed = response.headers.get('content-type')?.startsWith('text/event-stream');
      if (isFeed)
        abort.abort(); // it would stay open
      else if (!response.bodyUsed) await response.arrayBuffer();
    }
    return texts;
  }
});

/** Appends, reads, feeds and mistakes, with the words at every place where they may stand. */
async function useIt({ url }: ServiceProcess): Promise<void> {
  const query = `?token=${token}`;
  const secretHeaders = { authorization: `Bearer ${token}`, cookie: `session=${token}` };
  const events = eventsUrl(url);
  await post(events + query, { type: 'answer', content: body }, secretHeaders);
  await post(events + query, [{ type: 'answer', data: { [body]: { __proto__: body } } }]);
  await postText(events + query, `{"type":"answer","content":"${body}`);
  await postText(events + query, `{"type":"answer","content":"${body}"}`, {
    'content-type': 'text/plain',
  });
  await fetch(`${events}${query}&offset=0`);
  await fetch(`${events}${query}&offset=${token}`);
  await fetch(`${url}/unknown${query}`);
  await fetch(feedUrl(url, query), { headers: { 'last-event-id': token } });
  const feed = await openFeed(feedUrl(url, query), secretHeaders);
  await feed.frameCount(1);
  feed.drop();
}

async function staysSilentAbout(service: ServiceProcess, words: string[]): Promise<void> {
  await waitFor('the feed is closed', () => service.output.includes('A feed was closed'));
  service.signal('SIGTERM');
  await service.exit();
  const guilty = service.output
    .split('\n')
    .filter((line) => words.some((word) => tells(line, word)))
    .map((line) => line.slice(0, 200));
  expect(guilty).toEqual([]);
}

/** A buffer in a JSON log line is a list of numbers, which says as much. */
function tells(line: string, word: string): boolean {
  return line.includes(word) || line.includes([...Buffer.from(word)].join(','));
}
