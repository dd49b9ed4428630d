import { describe, expect, it } from 'vitest';
import { onRedis, startRedis, startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';

describe('The log, each time Redis is connected,', () => {
  it('has its version, and a warning when it may evict streams', async () => {
    const redis = await startRedis('--maxmemory-policy', 'volatile-lru', '--save', '');
    const service = await startService(onRedis(redis));
    const lines = (text: string) => service.log.filter(({ msg }) => String(msg).startsWith(text));
    for (let times = 1; times <= 2; times += 1) {
      await waitFor('the warning', () => lines('Redis may evict').length === times);
      expect(lines('Redis was examined')).toHaveLength(times);
      await redis.kill();
      await redis.start();
    }
    expect(lines('Redis was examined')[0]).toMatchObject({ version: expect.stringMatching(/^\d/) });
    expect(lines('Redis may evict')[0]).toMatchObject({
      level: 40,
      redis: redis.address,
      maxmemoryPolicy: 'volatile-lru',
    });
  });

  it('has no warning for one that evicts nothing', async () => {
    const redis = await startRedis();
    const service = await startService(onRedis(redis));
    await waitFor('it is examined', () => service.output.includes('Redis was examined'));
    // On a machine that is too busy, others may say that it responds late.
    const ofServer = service.log.filter(({ maxmemoryPolicy }) => maxmemoryPolicy !== undefined);
    expect(ofServer.map(({ level }) => level)).toEqual([30]);
  });
});
