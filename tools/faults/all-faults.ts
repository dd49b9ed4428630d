import type { Fault } from './fault.js';
import { answersLost, connectionsCut, connectionsHalfOpen } from './rows/clients-disturbed.js';
import { clusterPrimaryKilled, clusterSlotMoved } from './rows/cluster-changes.js';
import { hugeElementPushed, junkPushed, keyOverwritten } from './rows/foreign-writes.js';
import { manyStreamsInMemory, manyStreamsOnRedis } from './rows/many-streams.js';
import { memoryNodeKilled } from './rows/memory-node-killed.js';
import { nodeKilled, nodesRolled } from './rows/nodes-lost.js';
import { readersComeAndGoInMemory, readersComeAndGoOnRedis } from './rows/readers-come-and-go.js';
import { reconnectStormInMemory, reconnectStormOnRedis } from './rows/reconnect-storm.js';
import { listDeleted, redisFlushed, redisKilledWithoutFiles } from './rows/redis-forgets.js';
import { redisKilled } from './rows/redis-killed.js';
import { redisLoading } from './rows/redis-loading.js';
import { redisFull, redisReadOnly } from './rows/redis-refuses.js';
import { redisSlow } from './rows/redis-slow.js';
import { redisHalfOpen, redisStopped } from './rows/redis-stopped.js';
import { repliesLost } from './rows/replies-lost.js';
import { sentinelFailover } from './rows/sentinel-failover.js';
import { clientsKilled, wakeUpsSwallowed } from './rows/subscriptions-lost.js';
import { unreadFeedsInMemory, unreadFeedsOnRedis } from './rows/unread-feeds.js';
import { workerLost, workerLostInMemory } from './rows/worker-lost.js';

/** In the order of the table. */
export const allFaults: readonly Fault[] = [
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
  wakeUpsSwallowed,
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
  ...answersLost,
  ...connectionsCut,
  ...connectionsHalfOpen,
  unreadFeedsInMemory,
  unreadFeedsOnRedis,
  reconnectStormInMemory,
  reconnectStormOnRedis,
  manyStreamsInMemory,
  manyStreamsOnRedis,
  readersComeAndGoInMemory,
  readersComeAndGoOnRedis,
];
