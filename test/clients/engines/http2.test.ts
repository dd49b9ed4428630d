import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestCertificates } from '../../support/certificates.js';
import { freePort } from '../../support/free-port.js';
import { launchNginx } from '../../support/nginx-server.js';
import { expectSound, NumberedWorker, numbersOf } from '../../support/numbered-worker.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import {
  clientOf,
  isReady,
  onRedis,
  startRedis,
  startService,
} from '../../support/test-processes.js';
import { waitFor } from '../../support/wait-for.js';
import { eventsUrl, feedUrl } from '../../support/worker.js';
import { launchChromium, launchFirefox } from './browsers.js';
import { followIn, openPage, pageOrigin } from './engine.js';

/** More than browsers open connections to a host. */
const feedCount = 8;

describe.each([
  ['Chromium', launchChromium],
  ['Firefox', launchFirefox],
] as const)('Eight feeds in %s, behind nginx with TLS and HTTP/2,', (_, launch) => {
  it('share a connection, and deliver each event once whatever ends them', async () => {
    const redis = await startRedis();
    const port = await freePort();
    const settings = onRedis(redis, {
      PORT: String(port),
      CORS_ORIGINS: await pageOrigin(),
      FEED_MAX_AGE: '5s',
    });
    const first = await startService(settings);
    await isReady(first);
    const certificates = new TestCertificates();
    onTestFinished(() => certificates.remove());
    const nginx = await launchNginx({ upstreamPort: port, certificates });
    onTestFinished(() => nginx.stop());
    const proxy = await TcpProxy.start(Number(new URL(nginx.url).port));
    onTestFinished(() => proxy.close());
    const { fingerprint256 } = new X509Certificate(readFileSync(certificates.certificateFile));
    const { page, process } = await openPage(launch, { port: proxy.port, fingerprint256 });
    onTestFinished(() => process.end());

    const worker = new NumberedWorker(eventsUrl(first.url), 20);
    worker.start();
    const follow = () => followIn(page, 'native', feedUrl(`https://127.0.0.1:${proxy.port}`));
    const followers = [await follow()];
    const counts = () =>
      page.evaluate<number[]>('followers.map(({ received }) => received.length)');
    const allHave = async (count: number) =>
      waitFor(
        () => `each has ${count}`,
        async () => (await counts()).every((one) => one >= count),
      );
    const goOn = async () => allHave(Math.max(...(await counts())) + 20);
    await goOn();
    const connections = proxy.connectionCount;
    while (followers.length < feedCount) followers.push(await follow());
    await goOn();
    expect(proxy.connectionCount).toBe(connections);

    const opened = () => first.output.split('A feed was opened').length - 1;
    await waitFor('all came back after max_age', () => opened() >= 2 * feedCount);
    await goOn();
    proxy.cut();
    await goOn();
    nginx.reload();
    await goOn();
    first.signal('SIGTERM');
    await first.exit();
    await startService(settings);
    await goOn();
    await worker.stop();

    const stored = numbersOf(await clientOf(redis).lrange('stream:events:s1:m1', 0, -1));
    await allHave(stored.length);
    for (const follower of followers) {
      const received = await follower.received();
      expect(numbersOf(received.map(({ data }) => data))).toEqual(stored);
    }
    expectSound(worker, stored);
  });
});
