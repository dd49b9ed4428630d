import { bare } from './bare.js';
import { barePubsub } from './bare-pubsub.js';
import { bareRedis } from './bare-redis.js';
import { durableStreams } from './durable-streams.js';
import { nchan } from './nchan.js';
import { poll } from './poll.js';
import { rejoin, rejoinOnRedis } from './rejoin.js';
import type { System } from './system.js';

export const allSystems: readonly System[] = [
  rejoin,
  rejoinOnRedis,
  bare,
  bareRedis,
  barePubsub,
  poll,
  nchan,
  durableStreams,
];
