import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { judgeRecovery } from './judge-recovery.js';
import { someMoment } from './some-moment.js';
import { redisUnderLoad } from './under-load.js';

const policies = ['everysec', 'always'] as const;

export const redisKilled: Fault = {
  name: 'redis-killed',
  backend: 'Redis',
  title: 'kill -9 of Redis with an AOF, synced every second or always in turn; back after 2 s',
  promise: 'nothing lost; appends answered within 2.5 s; readers caught up 5 s after it is back',
  runs: { short: 1, full: 30 },

  async strike(run) {
    const policy = policies[run.index % policies.length] as string;
    const settings = ['--appendonly', 'yes', '--appendfsync', policy];
    const { redis, load, storedOf } = await redisUnderLoad(run, { settings });
    await someMoment(run);
    await redis.kill();
    await sleep(2000);
    await redis.start();
    const backAt = performance.now();
    return judgeRecovery({ load, storedOf }, backAt, { answerLimitMs: 2500 });
  },
};
