import type { Fault } from '../fault.js';
import { NetworkConditions } from '../load/network-conditions.js';
import { redisUnderLoad } from './under-load.js';

export const repliesLost: Fault = {
  name: 'replies-lost',
  backend: 'Redis',
  title: '5 % of the replies of Redis are lost, and the connection with them',
  promise: 'nothing lost; nothing stored twice for producers with sequence numbers',
  runs: 10,

  async inject(run) {
    const network = new NetworkConditions(run.random);
    const { load, storedOf } = await redisUnderLoad(run, { network });
    network.losses = { response: 0.05, request: 0 };
    await load.goesOn(load.options.eventsPerSecond * (run.isFull ? 5 : 10));
    network.losses = { response: 0, request: 0 };
    await load.finish();
    return load.judge(storedOf);
  },
};
