import { bare } from './bare.js';
import { durableStreams } from './durable-streams.js';
import { nchan } from './nchan.js';
import { poll } from './poll.js';
import { rejoin, rejoinOnRedis } from './rejoin.js';
import type { System } from './system.js';

export const allSystems: readonly System[] = [
  rejoin,
  rejoinOnRedis,
  bare,
  poll,
  nchan,
  durableStreams,
];
