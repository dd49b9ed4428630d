import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { judgeRecovery } from './judge-recovery.js';
import { someMoment } from './some-moment.js';
import { redisUnderLoad } from './under-load.js';

/**
 * With `everysec`, Redis holds back what it has to write while the disk is busy with a sync, for up
 * to two seconds, and responds nevertheless.
 */
const policies = ['always', 'everysec'] as const;

export const redisKilled: Fault = {
  name: 'redis-killed',
  backend: 'Redis',
  title: 'kill -9 of Redis with an AOF, synced always or every second in turn; back after 2 s',
  promise:
    'nothing lost; synced every second, at most what Redis had not written yet, and its readers are reset; ' +
    'responses to appends within 2.5 s; readers caught up 5 s after it is back',
  runs: 30,

  async inject(run) {
    const policy = policies[run.index % policies.length];
    const settings = ['--appendonly', 'yes', '--appendfsync', `${policy}`];
    const { redis, load, storedOf } = await redisUnderLoad(run, { settings });
    await someMoment(run);
    await redis.kill();
    await sleep(2000);
    await redis.start();
    const backAt = performance.now();
    const rules = { responseLimitMs: 2500, mayLose: policy === 'everysec' };
    return judgeRecovery({ load, storedOf }, backAt, rules);
  },
};
