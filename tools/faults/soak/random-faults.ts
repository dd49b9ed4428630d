import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisServer } from '../../../test/support/redis-server.js';
import type { NetworkConditions } from '../load/network-conditions.js';
import type { ServiceNode } from '../scenarios/service-node.js';

/** What the soak is done to. */
export interface SoakedSystem {
  readonly redis: RedisServer;
  /** One that may be killed and restarted, beside another that may not. */
  readonly expendable: ServiceNode;
  readonly redisNetwork: NetworkConditions;
  readonly clientNetwork: NetworkConditions;
}

/** One fault, over when it resolves. */
type RandomFault = (system: SoakedSystem) => Promise<void>;

export const randomFaults: Readonly<Record<string, RandomFault>> = {
  'nothing happens': async () => {},
  'Redis is killed, back after 2 s': async ({ redis }) => {
    await redis.kill();
    await sleep(2000);
    await redis.start();
  },
  'Redis is stopped for 4 s': async ({ redis }) => {
    redis.signal('SIGSTOP');
    await sleep(4000);
    redis.signal('SIGCONT');
  },
  'a node is killed, back at once': async ({ expendable }) => {
    await expendable.kill();
    await expendable.start();
  },
  'a node is restarted': ({ expendable }) => expendable.restart(),
  'clients are cut off': async ({ clientNetwork }) => clientNetwork.cut(),
  'Redis is cut off': async ({ redisNetwork }) => redisNetwork.cut(),
  'notifications are swallowed for 5 s': async ({ redisNetwork }) => {
    redisNetwork.swallowsNotifications = true;
    await sleep(5000);
    redisNetwork.swallowsNotifications = false;
  },
  'clients lose responses for 5 s': async ({ clientNetwork }) => {
    clientNetwork.losses = { response: 0.02, request: 0.01 };
    await sleep(5000);
    clientNetwork.losses = { response: 0, request: 0 };
  },
  'replies of Redis are lost for 5 s': async ({ redisNetwork }) => {
    redisNetwork.losses = { response: 0.02, request: 0 };
    await sleep(5000);
    redisNetwork.losses = { response: 0, request: 0 };
  },
  'Redis is slow for 5 s': async ({ redisNetwork }) => {
    redisNetwork.latencyMs = 100;
    await sleep(5000);
    redisNetwork.latencyMs = 0;
  },
};
