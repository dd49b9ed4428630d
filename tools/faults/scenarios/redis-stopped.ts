import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { NetworkConditions } from '../load/network-conditions.js';
import { judgeRecovery } from './judge-recovery.js';
import { someMoment } from './some-moment.js';
import { redisUnderLoad } from './under-load.js';

export const redisStopped: Fault = {
  name: 'redis-stopped',
  backend: 'Redis',
  title: 'SIGSTOP of Redis for 5 s',
  promise:
    'nothing lost or repeated; responses to appends within 3 s; readers caught up 5 s afterwards',
  runs: 10,

  async inject(run) {
    const { redis, load, storedOf } = await redisUnderLoad(run);
    await someMoment(run);
    redis.signal('SIGSTOP');
    await sleep(5000);
    redis.signal('SIGCONT');
    const backAt = performance.now();
    return judgeRecovery({ load, storedOf }, backAt);
  },
};

export const redisHalfOpen: Fault = {
  name: 'redis-half-open',
  backend: 'Redis',
  title: 'all connections to Redis are half-open for 5 s, then they break',
  promise:
    'nothing lost or repeated; responses to appends within 3 s; readers caught up 5 s afterwards',
  runs: 10,

  async inject(run) {
    const network = new NetworkConditions(run.random);
    const { load, storedOf } = await redisUnderLoad(run, { network });
    await someMoment(run);
    network.isDead = true;
    await sleep(5000);
    network.isDead = false;
    network.cut();
    const backAt = performance.now();
    return judgeRecovery({ load, storedOf }, backAt);
  },
};
