import type { Fault } from './fault.js';
import { redisKilledWithAof } from './rows/redis-killed.js';

/** In the order of the table. */
export const allFaults: readonly Fault[] = [redisKilledWithAof];
