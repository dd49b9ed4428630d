import { EventSource as PackageEventSource } from 'eventsource';
import { EventSource as UndiciEventSource } from 'undici';
import { describe, it, type TestContext } from 'vitest';
import { RedisServer } from '../support/redis-server.js';
import { ServiceProcess } from '../support/service-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { isReady, onRedis } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

/** What the two clients have in common. */
interface Client {
  readonly readyState: number;
  close(): void;
  onmessage: ((message: { data: string; lastEventId: string }) => void) | null;
}

const clients = {
  'the eventsource package': (url: string) => new PackageEventSource(url) as Client,
  'undici’s EventSource': (url: string) => new UndiciEventSource(url) as unknown as Client,
} as const;
type ClientName = keyof typeof clients;

const closed = 2;
const cuts = 2;
const text = 'é 漢字 🙂';

// They mostly wait for the time after which a client reconnects: so all at once.
describe.concurrent('A client that nobody here wrote', () => {
  const cases = Object.keys(clients).flatMap((client) =>
    ['memory', 'redis'].map((backend) => [client as ClientName, backend] as const),
  );

  it.for(cases)(
    '%s, %s: gets each event once over cut connections, and stops at 204',
    async ([name, backend], { expect, onTestFinished }) => {
      const service = await serviceOn(backend, onTestFinished);
      const proxy = await TcpProxy.start(Number(new URL(service.url).port));
      onTestFinished(() => proxy.close());
      const received: { data: string; lastEventId: string }[] = [];
      const client = clients[name](feedUrl(proxy.url));
      onTestFinished(() => client.close());
      client.onmessage = ({ data, lastEventId }) => received.push({ data, lastEventId });

      let appended = 0;
      const append = async (...types: string[]) => {
        for (const type of types) {
          await post(eventsUrl(service.url), { type, content: `${text} ${appended}` });
          appended += 1;
        }
      };
      for (let cut = 0; cut < cuts; cut += 1) {
        await append('thinking', 'answer', 'answer');
        await waitFor('the events', () => received.length === appended);
        proxy.cut();
        // Some that it misses, and then some while it catches up.
        await append('answer', 'error');
      }
      await append('answer', 'complete');
      await waitFor('it is told that all is said', () => client.readyState === closed);

      const contents = received.map(({ data }) => JSON.parse(data).content);
      expect(contents).toEqual(Array.from({ length: appended }, (_, index) => `${text} ${index}`));
      const offsets = received.map(({ lastEventId }) => Number(lastEventId.split('-')[0]));
      expect(offsets).toEqual(received.map((_, index) => index + 1));
      // At first, after each cut, and once more to hear 204.
      expect(proxy.connectionCount).toBeLessThanOrEqual(cuts + 3);
    },
  );
});

/** Concurrent tests have hooks of their own. */
async function serviceOn(backend: string, onTestFinished: TestContext['onTestFinished']) {
  const redis = backend === 'redis' ? await RedisServer.start() : null;
  if (redis !== null) onTestFinished(() => redis.stop());
  const settings = { FEED_LINGER: '200ms' };
  const service = await ServiceProcess.listening(
    redis === null ? settings : onRedis(redis, settings),
  );
  onTestFinished(() => service.kill());
  await isReady(service);
  return service;
}
