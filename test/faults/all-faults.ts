import type { Fault } from './fault.js';
import { clusterPrimaryKilled, clusterSlotMoved } from './rows/cluster-changes.js';
import { redisKilledWithAof } from './rows/redis-killed.js';
import { sentinelFailover } from './rows/sentinel-failover.js';
import { workerLost, workerLostInMemory } from './rows/worker-lost.js';

/** In the order of the table. */
export const allFaults: readonly Fault[] = [
  redisKilledWithAof,
  workerLost,
  workerLostInMemory,
  sentinelFailover,
  clusterPrimaryKilled,
  clusterSlotMoved,
];
