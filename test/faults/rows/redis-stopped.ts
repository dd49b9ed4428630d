import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { caughtUpAfter } from '../load/delays.js';
import { limit } from './limit.js';
import { redisUnderLoad } from './under-load.js';

export const redisStopped: Fault = {
  name: 'redis-stopped',
  backend: 'Redis',
  title: 'SIGSTOP of Redis for 5 s',
  promise:
    'nothing lost or repeated; appends answered within 3 s; readers caught up 5 s afterwards',
  runs: { short: 0, full: 10 },

  async strike(run) {
    const { redis, load, storedOf } = await redisUnderLoad(run);
    await sleep(run.random() * 3000);
    redis.signal('SIGSTOP');
    await sleep(5000);
    redis.signal('SIGCONT');
    const backAt = performance.now();
    await load.goesOn(load.options.eventsPerSecond);
    await load.finish();
    const found = await load.judge(storedOf);
    return limit(found, { 'caught up after, ms': [caughtUpAfter(load, backAt), 5000] });
  },
};
