import { describe, expect, it } from 'vitest';
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

/** Neither word may come up in a log, wherever it was sent. */
const body = 'words-of-the-user';
const token = 'token-of-the-reader';

describe('The log, at its most talkative level,', () => {
  it('holds no event body and no query string on memory', async () => {
    const service = await startService({ LOG_LEVEL: 'trace' });
    await useIt(service);
    await staysSilentAbout(service, [body, token]);
  });

  it('holds no name of a field that a worker made up', async () => {
    const service = await startService({ LOG_LEVEL: 'trace' });
    await post(eventsUrl(service.url), { type: 'answer', [body]: 1 });
    await useIt(service);
    await staysSilentAbout(service, [body]);
  });

  it('holds no event body, query string or password on Redis, also when Redis refuses', async () => {
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
