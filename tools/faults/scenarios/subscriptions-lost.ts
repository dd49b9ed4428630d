import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { NetworkConditions } from '../load/network-conditions.js';
import { judgeDelivery } from './judge-recovery.js';
import { redisUnderLoad } from './under-load.js';

const deliveryMs = 2000;

export const clientsKilled: Fault = {
  name: 'redis-clients-killed',
  backend: 'Redis',
  title: 'CLIENT KILL of the subscriptions, or of all other connections, alternating every second',
  promise: 'nothing lost or repeated; delivered within 2 s',
  runs: 10,

  async inject(run) {
    const { redis, load, storedOf } = await redisUnderLoad(run);
    const admin = run.scope.add(redis.client(), (client) => client.disconnect());
    for (let second = 0; second < (run.isFull ? 10 : 2); second += 1) {
      const kind = second % 2 === 0 ? 'pubsub' : 'normal';
      await admin.call('CLIENT', 'KILL', 'TYPE', kind, 'SKIPME', 'yes');
      await sleep(1000);
    }
    return judgeDelivery({ load, storedOf }, deliveryMs);
  },
};

export const notificationsSwallowed: Fault = {
  name: 'notifications-swallowed',
  backend: 'Redis',
  title: 'the connection of the subscriptions is open, and nothing comes through it',
  promise: 'nothing lost or repeated; delivered within 2 s',
  runs: 10,

  async inject(run) {
    const network = new NetworkConditions(run.random);
    const { load, storedOf } = await redisUnderLoad(run, { network });
    network.swallowsNotifications = true;
    await load.goesOn(load.options.eventsPerSecond * (run.isFull ? 10 : 2));
    network.swallowsNotifications = false;
    return judgeDelivery({ load, storedOf }, deliveryMs);
  },
};
