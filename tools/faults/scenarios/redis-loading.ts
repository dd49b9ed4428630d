import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { judgeRecovery } from './judge-recovery.js';
import { redisUnderLoad } from './under-load.js';

/** So that reading its file takes Redis some seconds: microseconds for each key. */
const keyDelay = '2000';
const keyCount = 150;

export const redisLoading: Fault = {
  name: 'redis-loading',
  backend: 'Redis',
  title: 'kill -9 of Redis, which then loads its file for some seconds and replies LOADING',
  promise:
    'nothing lost; responses to appends within 3 s; readers caught up 5 s after it is loaded',
  runs: 5,

  async inject(run) {
    const settings = ['--appendonly', 'yes', '--key-load-delay', keyDelay];
    const { redis, load, storedOf } = await redisUnderLoad(run, { settings });
    const admin = run.scope.add(redis.client(), (client) => client.disconnect());
    for (let key = 0; key < keyCount; key += 1) await admin.set(`other:${key}`, 'x');
    await admin.bgrewriteaof();
    await sleep(2000);
    await redis.kill();
    await redis.start();
    const backAt = performance.now();
    return judgeRecovery({ load, storedOf }, backAt);
  },
};
