import type { Fault } from '../fault.js';
import { NetworkConditions } from '../load/network-conditions.js';
import { judgeDelivery } from './judge-recovery.js';
import { redisUnderLoad } from './under-load.js';

export const redisSlow: Fault = {
  name: 'redis-slow',
  backend: 'Redis',
  title: 'everything to and from Redis takes 200 ms longer',
  promise: 'nothing lost or repeated; responses to appends within 3 s, delivered within 2 s',
  runs: 5,

  async inject(run) {
    const network = new NetworkConditions(run.random);
    const { load, storedOf } = await redisUnderLoad(run, { network });
    network.latencyMs = 200;
    await load.goesOn(load.options.eventsPerSecond * (run.isFull ? 10 : 2));
    network.latencyMs = 0;
    return judgeDelivery({ load, storedOf }, 2000);
  },
};
