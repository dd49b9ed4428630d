import { beforeEach, describe, expect, it } from 'vitest';
import { call, stopReplication } from '../support/cluster-of-test.js';
import { Failover } from '../support/failover.js';
import type { RedisServer } from '../support/redis-server.js';
import { SentinelOfTest } from '../support/sentinel-of-test.js';
import { waitFor } from '../support/wait-for.js';

const key = 'stream:events:s1:m1';

describe('Behind Sentinels whose primary is killed', () => {
  let set: SentinelOfTest;
  beforeEach(async () => {
    set = await SentinelOfTest.forTest();
  });

  const stored = async () => (await call(set.replica, 'LRANGE', key, '0', '-1')) as string[];

  it('appends, feeds and notifications continue at the new one', async () => {
    const failover = await Failover.start({ ...set.environment, FEED_POLL_INTERVAL: '30s' });
    await set.primary.kill();
    await failover.appendsAreRejected();
    await failover.appendsGoOn();
    await failover.expectNoSilentGap('Sentinel failover', stored);
  });

  it('acknowledged events that it had not replicated are lost, and readers are reset', async () => {
    const failover = await Failover.start(set.environment);
    await stopReplication(set.primary);
    await failover.appendsGoOn();
    await set.primary.kill();
    await failover.appendsAreRejected();
    await failover.appendsGoOn();
    const lost = await failover.expectNoSilentGap('Sentinel failover with loss', stored);
    expect(lost).toBeGreaterThan(0);
    expect(failover.resetCount).toBeGreaterThan(0);
  });

  it('or hangs, responses come in time and appends continue at the new one', async () => {
    const failover = await Failover.start(set.environment);
    set.primary.signal('SIGSTOP');
    await failover.appendsFail();
    await failover.appendsGoOn();
    await failover.expectNoSilentGap('Sentinel failover from one that hangs', stored);
  });

  it('or replaced by hand, appends continue at the new one before the old one is told', async () => {
    const failover = await Failover.start(set.environment);
    await call(set.sentinels[0] as RedisServer, 'SENTINEL', 'FAILOVER', set.options.sentinelName);
    await waitFor('the replica is the primary', () => isPrimary(set.replica));
    const length = (await stored()).length;
    await waitFor('appends reach it', async () => (await stored()).length >= length + 30);
    expect(await isPrimary(set.primary)).toBe(true);
    await failover.expectNoSilentGap('Sentinel failover by hand', stored);
  });
});

async function isPrimary(server: RedisServer): Promise<boolean> {
  return /role:master/.test(String(await call(server, 'INFO', 'replication')));
}
