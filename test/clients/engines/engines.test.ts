import { describe, expect, it, onTestFinished } from 'vitest';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { startService } from '../../support/test-processes.js';
import { waitFor } from '../../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../../support/worker.js';
import { pageClients } from '../page/page-clients.js';
import { pageOrigin } from './engine.js';
import { engines } from './engines.js';

const clients = [...engines, ...pageClients].map(
  (client) => [client.name, client.option, client] as const,
);

describe('A page', () => {
  it.each(clients)(
    'follows a feed through a cut to its end: %s %s',
    async (_name, _option, client) => {
      const service = await startService({
        CORS_ORIGINS: await pageOrigin(),
        FEED_LINGER: '300ms',
      });
      const proxy = await TcpProxy.start(Number(new URL(service.url).port));
      onTestFinished(() => proxy.close());
      const follower = await client.follow(feedUrl(proxy.url));
      onTestFinished(() => follower.close());
      await post(eventsUrl(service.url), [{ type: 'a' }, { type: 'b' }]);
      await waitFor('two', async () => (await follower.received()).length >= 2);
      proxy.cut();
      await post(eventsUrl(service.url), [{ type: 'c' }, { type: 'complete' }]);
      await waitFor('all', async () => (await follower.received()).length >= 4);
      if (client.limits.end === undefined) await waitFor('its end', () => follower.isOver());
      const received = await follower.received();
      expect(received.map(({ data }) => data && JSON.parse(data).type)).toEqual([
        'a',
        'b',
        'c',
        'complete',
      ]);
      expect(received.map(({ id }) => id.split('-')[0])).toEqual(['1', '2', '3', '4']);
    },
    60_000,
  );
});
