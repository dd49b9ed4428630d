import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../support/cluster-of-test.js';
import { RedisServer } from '../support/redis-server.js';
import { SentinelOfTest } from '../support/sentinel-of-test.js';
import type { ServiceProcess } from '../support/service-process.js';
import {
  clientOf,
  directoryWith,
  type Environment,
  isReady,
  onRedis,
  readiness,
  startService,
} from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, post } from '../support/worker.js';

const password = 'pass word#1';
const workerPassword = 'worker-secret-2';

describe('A Redis with passwords', () => {
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await RedisServer.start();
    const client = redis.client();
    await client.call('ACL', 'SETUSER', 'worker', 'on', `>${workerPassword}`, '~*', '&*', '+@all');
    await client.config('SET', 'requirepass', password);
    client.disconnect();
  });
  afterAll(() => redis.stop());

  it('is used with REDIS_PASSWORD, in the database of REDIS_DB only', async () => {
    await serves(
      onRedis(redis, { REDIS_PASSWORD: password, REDIS_DB: '7', REDIS_PREFIX: 'of-db-7' }),
    );
    const inDb7 = clientOf(redis, { password, db: 7 });
    const inDb0 = clientOf(redis, { password });
    expect(await inDb7.llen('of-db-7:s1:m1')).toBe(1);
    expect(await inDb0.keys('of-db-7*')).toEqual([]);
  });

  it('is used with a password from REDIS_PASSWORD_FILE', async () => {
    const directory = directoryWith({ bare: password });
    await serves(onRedis(redis, { REDIS_PASSWORD_FILE: `${directory}/bare` }));
  });

  it('is used with an ACL user, whose password file may end with a newline', async () => {
    const directory = directoryWith({ line: `${workerPassword}\n` });
    const login = { REDIS_USERNAME: 'worker', REDIS_PASSWORD_FILE: `${directory}/line` };
    await serves(onRedis(redis, login));
  });

  it('is used behind sentinels, which may require the same password', async () => {
    const set = await SentinelOfTest.forTest();
    const user = ['on', `>${workerPassword}`, '~*', '&*', '+@all'];
    await call(set.primary, 'ACL', 'SETUSER', 'worker', ...user);
    await call(set.primary, 'ACL', 'SETUSER', 'default', 'resetpass', `>${password}`);
    const login = { REDIS_USERNAME: 'worker', REDIS_PASSWORD: workerPassword };
    await serves({ ...set.environment, ...login });
    for (const sentinel of set.sentinels) {
      await call(sentinel, 'ACL', 'SETUSER', 'default', 'resetpass', `>${workerPassword}`);
    }
    await serves({ ...set.environment, ...login });
  });

  it.each([
    ['a wrong password', { REDIS_PASSWORD: 'guess-3' }],
    ['no password', {}],
  ])(
    'rejects %s, which the log reports without quoting it, and the service is not ready',
    async (_, login) => {
      await isRejected(await startService(onRedis(redis, { ...login, LOG_LEVEL: 'trace' })));
    },
  );

  it('rejects an unknown user, and the service becomes ready when the user is created', async () => {
    const login = { REDIS_USERNAME: 'later', REDIS_PASSWORD: workerPassword };
    const service = await startService(onRedis(redis, { ...login, LOG_LEVEL: 'trace' }));
    await isRejected(service);
    const admin = clientOf(redis, { password });
    await admin.call('ACL', 'SETUSER', 'later', 'on', `>${workerPassword}`, '~*', '&*', '+@all');
    await isReady(service);
  });

  async function isRejected(service: ServiceProcess): Promise<void> {
    await waitFor('a line in the log', () => /WRONGPASS|NOAUTH/.test(service.output));
    expect(await readiness(service)).toBe(503);
    const rejected = await post(eventsUrl(service.url), { type: 'answer' });
    expect(rejected).toMatchObject({
      status: 503,
      body: { code: 'backend_unavailable', stored: 0 },
    });
    expect(service.output).not.toMatch(/guess-3|worker-secret-2/);
  }

  async function serves(environment: Environment): Promise<void> {
    const service = await startService(environment);
    await isReady(service);
    expect((await post(eventsUrl(service.url), { type: 'answer' })).status).toBe(201);
  }
});
