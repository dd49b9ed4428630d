import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCertificates } from '../support/certificates.js';
import { ClusterOfTest } from '../support/cluster-of-test.js';
import { RedisServer } from '../support/redis-server.js';
import { SentinelOfTest } from '../support/sentinel-of-test.js';
import {
  type Environment,
  isReady,
  onRedis,
  openFeed,
  readiness,
  startService,
} from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

describe('A Redis that speaks TLS only', () => {
  let certificates: TestCertificates;
  let redis: RedisServer;
  beforeAll(async () => {
    certificates = new TestCertificates();
    redis = await RedisServer.startWith({ tls: certificates });
  });
  afterAll(async () => {
    await redis.stop();
    certificates.remove();
  });

  const tls = () => ({
    REDIS_USE_TLS: 'true',
    REDIS_TLS_SERVER_NAME: certificates.name,
    REDIS_TLS_CA_FILE: certificates.caFile,
  });

  it('serves appends, reads and feeds', async () => {
    await serves(onRedis(redis, tls()));
  });

  it('may be a cluster', async () => {
    const cluster = await ClusterOfTest.forTest(certificates);
    await serves({ ...cluster.environment(), ...tls() });
  });

  it('may be behind sentinels that speak TLS too', async () => {
    const { environment } = await SentinelOfTest.forTest(certificates);
    await serves({ ...environment, ...tls() });
  });

  it.each([
    ['it has another name', { REDIS_TLS_SERVER_NAME: 'other.test' }, /other\.test/],
    ['its authority is not known', { REDIS_TLS_CA_FILE: '' }, /certificate/],
    ['TLS is off', { REDIS_USE_TLS: '', REDIS_TLS_CA_FILE: '', REDIS_TLS_SERVER_NAME: '' }, /./],
  ])(
    'is not trusted when %s, which the log reports, and the service is not ready',
    async (_, settings, reason) => {
      const service = await startService(onRedis(redis, { ...tls(), ...settings }));
      const lines = () => service.log.filter(({ msg }) => msg === 'Redis is unreachable');
      // A busy machine may have given another reason before: that it took too long.
      await waitFor('a line in the log', () =>
        lines().some((line) => reason.test(`${line.reason}`)),
      );
      expect(await readiness(service)).toBe(503);
    },
  );

  async function serves(environment: Environment): Promise<void> {
    const service = await startService(environment);
    await isReady(service);
    const feed = await openFeed(feedUrl(service.url));
    const events = [{ type: 'answer', content: 'one' }, { type: 'complete' }];
    expect((await post(eventsUrl(service.url), events)).status).toBe(201);
    await feed.frameCount(2);
    const read = await fetch(eventsUrl(service.url));
    expect(await read.json()).toMatchObject({ nextOffset: 2, ended: true });
  }
});
