import { bare, poll } from './bare.js';
import { rejoin, rejoinOnRedis } from './rejoin.js';
import type { System } from './system.js';

export const allSystems: readonly System[] = [rejoin, rejoinOnRedis, bare, poll];
