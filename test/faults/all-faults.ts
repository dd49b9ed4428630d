import type { Fault } from './fault.js';
import { listDeleted, redisFlushed, redisKilledWithoutFiles } from './rows/redis-forgets.js';
import { redisKilled } from './rows/redis-killed.js';
import { redisStopped } from './rows/redis-stopped.js';
import { repliesLost } from './rows/replies-lost.js';
import { clientsKilled, wakeUpsSwallowed } from './rows/subscriptions-lost.js';

/** In the order of the table. */
export const allFaults: readonly Fault[] = [
  redisKilled,
  redisKilledWithoutFiles,
  redisFlushed,
  listDeleted,
  redisStopped,
  repliesLost,
  clientsKilled,
  wakeUpsSwallowed,
];
