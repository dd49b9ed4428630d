import type { Run } from '../fault.js';
import type { LoadOptions } from '../load/load.js';
import { leftoversOf } from './leftovers.js';
import type { ServiceNode } from './service-node.js';

/**
 * What the table was measured under, and less of it for the tests.
 *
 * @param bases of the nodes, or of what stands before them
 */
export function usualLoad(
  { isFull, random, inputsPerSecond }: Run,
  nodes: readonly ServiceNode[],
  bases: readonly string[] = nodes.map(({ url }) => url),
): LoadOptions {
  const size = isFull
    ? { streams: 50, readersPerStream: 4, eventsPerSecond: 1000, inputsPerSecond: 100 }
    : { streams: 5, readersPerStream: 2, eventsPerSecond: 25, inputsPerSecond: 10 };
  const leftovers = () => leftoversOf(nodes);
  const wanted = inputsPerSecond === null ? {} : { inputsPerSecond };
  return { ...size, ...wanted, bases, random, exactlyOnce: 0.8, leftovers };
}
