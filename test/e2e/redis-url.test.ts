import { expect, it } from 'vitest';
import {
  clientOf,
  directoryWith,
  isReady,
  startRedis,
  startService,
} from '../support/test-processes.js';
import { eventsUrl, post } from '../support/worker.js';

it('A service with REDIS_URL keeps its streams in that Redis, with its password and database', async () => {
  const password = 'p@ss/w:rd%';
  const redis = await startRedis();
  const client = clientOf(redis);
  await client.select(3);
  await client.config('SET', 'requirepass', password);
  const url = `redis://:${encodeURIComponent(password)}@${redis.address}/3`;
  const environment = { STREAM_MANAGER_TYPE: 'redis', LOG_LEVEL: 'trace' };
  const service = await startService(environment, directoryWith({ '.env': `REDIS_URL=${url}\n` }));
  await isReady(service);
  const { status } = await post(eventsUrl(service.url), { type: 'answer' });
  expect(status).toBe(201);
  expect(await client.keys('stream:events:*')).toHaveLength(1);
  expect(service.output).not.toContain('p@ss');
  expect(service.output).not.toContain(encodeURIComponent(password));
});
