import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import { startNginx } from '../support/nginx-server.js';
import { expectSound, NumberedWorker, numbersOf } from '../support/numbered-worker.js';
import { clientOf, isReady, onRedis, startRedis, startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl } from '../support/worker.js';
import { EventSourcePage, open } from './event-source-page.js';

describe('Chromium’s EventSource behind nginx', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'resumes automatically when the only node is down for a while (%s)',
    async (signal) => {
      const port = await freePort();
      const redis = await startRedis();
      const settings = onRedis(redis, { PORT: String(port) });
      const first = await startService(settings);
      await isReady(first);
      const nginxUrl = await startNginx({ upstreamPort: port });
      const page = await EventSourcePage.follow(feedUrl(nginxUrl));
      const worker = new NumberedWorker(eventsUrl(nginxUrl), 10);
      worker.start();
      await page.hasFrames(50);
      first.signal(signal);
      await first.exit();
      // It is rejected by nginx, and reconnects.
      const { opens: opensBefore } = await page.noted();
      await waitFor('it tries', async () => (await page.noted()).opens > opensBefore);

      await startService(settings);
      const before = worker.acknowledged.length;
      await waitFor('the appends go on', () => worker.acknowledged.length >= before + 50);
      await worker.stop();
      const stored = numbersOf(await clientOf(redis).lrange('stream:events:s1:m1', 0, -1));
      await page.hasFrames(stored.length);
      const { frames, readyState } = await page.noted();
      expect(numbersOf(frames.map(({ data }) => data))).toEqual(stored);
      expectSound(worker, stored);
      expect(readyState).toBe(open);
      expect(page.statuses.every((status) => status === 200)).toBe(true);
    },
  );
});
