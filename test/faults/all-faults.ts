import type { Fault } from './fault.js';

/** In the order of the table. */
export const allFaults: readonly Fault[] = [];
