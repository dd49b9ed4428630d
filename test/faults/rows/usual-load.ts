import type { Run } from '../fault.js';
import type { LoadOptions } from '../load/load.js';

/** What the table was measured under, and less of it for the tests. */
export function usualLoad({ isFull, random }: Run, bases: readonly string[]): LoadOptions {
  const size = isFull
    ? { streams: 50, readersPerStream: 4, eventsPerSecond: 1000 }
    : { streams: 10, readersPerStream: 2, eventsPerSecond: 200 };
  return { ...size, bases, random, exactlyOnce: 0.8 };
}
