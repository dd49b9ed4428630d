import type { Fault } from '../fault.js';
import { slowestDelivery } from '../load/delays.js';
import { NetworkConditions } from '../load/network-conditions.js';
import { limit } from './limit.js';
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
    await load.finish();
    const found = await load.judge(storedOf);
    return limit(found, { 'slowest delivery, ms': [slowestDelivery(load), 2000] });
  },
};
