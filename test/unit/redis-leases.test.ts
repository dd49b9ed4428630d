import { expect, it, onTestFinished } from 'vitest';
import { RedisLeases } from '../../src/store/redis/leases.js';
import { RedisCalls } from '../../src/store/redis/redis-calls.js';
import type { ScriptClient } from '../../src/store/redis/script-client.js';
import { silentLogger } from '../support/backends.js';
import { waitFor } from '../support/wait-for.js';

/** A Redis that loses every deadline at once, and remembers which are restored. */
class LossyRedis {
  readonly status = 'ready';
  readonly stream = { writable: true };
  readonly restored = new Set<unknown>();
  longestCommand = 0;

  on(): void {}

  async scheduleLeaseCheck(): Promise<number> {
    return 0;
  }

  async dueLeases(): Promise<number[]> {
    return [Date.now()];
  }

  async zadd(_key: string, _condition: string, ...members: unknown[]): Promise<void> {
    this.longestCommand = Math.max(this.longestCommand, members.length / 2);
    for (let index = 1; index < members.length; index += 2) this.restored.add(members[index]);
  }
}

it('Deadlines of 90,000 leases that Redis lost together are all restored, 1,000 per command', async () => {
  const redis = new LossyRedis();
  const leases = new RedisLeases({
    calls: new RedisCalls(redis as unknown as ScriptClient, silentLogger),
    prefix: 'test',
  });
  onTestFinished(() => leases.close());
  const scheduled = Array.from({ length: 90_000 }, (_, index) =>
    leases.schedule({ sessionId: 's1', messageId: `m${index}` }, 60_000),
  );
  await Promise.all(scheduled);
  await waitFor('all are restored', () => redis.restored.size === scheduled.length);
  expect(redis.longestCommand).toBeLessThanOrEqual(1000);
});
