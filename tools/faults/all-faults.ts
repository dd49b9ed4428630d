import type { Fault } from './fault.js';
import {
  connectionsCut,
  connectionsHalfOpen,
  responsesLost,
} from './scenarios/clients-disturbed.js';
import { clusterPrimaryKilled, clusterSlotMoved } from './scenarios/cluster-changes.js';
import { hugeElementPushed, junkPushed, keyOverwritten } from './scenarios/foreign-writes.js';
import { manyStreamsInMemory, manyStreamsOnRedis } from './scenarios/many-streams.js';
import { memoryNodeKilled } from './scenarios/memory-node-killed.js';
import { nodeKilled, nodesRolled } from './scenarios/nodes-lost.js';
import {
  readersComeAndGoInMemory,
  readersComeAndGoOnRedis,
} from './scenarios/readers-come-and-go.js';
import { reconnectStormInMemory, reconnectStormOnRedis } from './scenarios/reconnect-storm.js';
import { listDeleted, redisFlushed, redisKilledWithoutFiles } from './scenarios/redis-data-lost.js';
import { redisKilled } from './scenarios/redis-killed.js';
import { redisLoading } from './scenarios/redis-loading.js';
import { redisFull, redisReadOnly } from './scenarios/redis-rejects.js';
import { redisSlow } from './scenarios/redis-slow.js';
import { redisHalfOpen, redisStopped } from './scenarios/redis-stopped.js';
import { repliesLost } from './scenarios/replies-lost.js';
import { sentinelFailover } from './scenarios/sentinel-failover.js';
import { clientsKilled, notificationsSwallowed } from './scenarios/subscriptions-lost.js';
import { unreadFeedsInMemory, unreadFeedsOnRedis } from './scenarios/unread-feeds.js';
import { workerLost, workerLostInMemory } from './scenarios/worker-lost.js';

/** Those under the usual load. */
export const usualFaults: readonly Fault[] = [
  redisKilled,
  redisKilledWithoutFiles,
  redisFlushed,
  listDeleted,
  redisStopped,
  redisHalfOpen,
  repliesLost,
  redisSlow,
  redisLoading,
  clientsKilled,
  notificationsSwallowed,
  redisFull,
  redisReadOnly,
  keyOverwritten,
  junkPushed,
  hugeElementPushed,
  nodeKilled,
  nodesRolled,
  workerLost,
  sentinelFailover,
  clusterPrimaryKilled,
  clusterSlotMoved,
  memoryNodeKilled,
  workerLostInMemory,
  ...responsesLost,
  ...connectionsCut,
  ...connectionsHalfOpen,
];

/** In the order of the table. */
export const allFaults: readonly Fault[] = [
  ...usualFaults,
  unreadFeedsInMemory,
  unreadFeedsOnRedis,
  reconnectStormInMemory,
  reconnectStormOnRedis,
  manyStreamsInMemory,
  manyStreamsOnRedis,
  readersComeAndGoInMemory,
  readersComeAndGoOnRedis,
];
