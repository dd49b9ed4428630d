import type { Fault } from '../fault.js';
import { Weather } from '../load/weather.js';
import { redisUnderLoad } from './under-load.js';

export const repliesLost: Fault = {
  name: 'replies-lost',
  backend: 'Redis',
  title: '5 % of the replies of Redis are lost, and the connection with them',
  promise: 'nothing lost; nothing stored twice for producers with sequence numbers',
  runs: 10,

  async strike(run) {
    const weather = new Weather(run.random);
    const { load, storedOf } = await redisUnderLoad(run, { weather });
    weather.losses = { answer: 0.05, request: 0 };
    await load.goesOn(load.options.eventsPerSecond * (run.isFull ? 5 : 10));
    weather.losses = { answer: 0, request: 0 };
    await load.finish();
    return load.judge(storedOf);
  },
};
