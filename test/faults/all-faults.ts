import type { Fault } from './fault.js';
import { manyStreamsInMemory, manyStreamsOnRedis } from './rows/many-streams.js';
import { readersComeAndGoInMemory, readersComeAndGoOnRedis } from './rows/readers-come-and-go.js';
import { reconnectStormInMemory, reconnectStormOnRedis } from './rows/reconnect-storm.js';
import { unreadFeedsInMemory, unreadFeedsOnRedis } from './rows/unread-feeds.js';

/** In the order of the table. */
export const allFaults: readonly Fault[] = [
  unreadFeedsInMemory,
  unreadFeedsOnRedis,
  reconnectStormInMemory,
  reconnectStormOnRedis,
  manyStreamsInMemory,
  manyStreamsOnRedis,
  readersComeAndGoInMemory,
  readersComeAndGoOnRedis,
];
