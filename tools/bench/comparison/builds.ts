import { rejoin, rejoinIn, rejoinOnRedis, rejoinOnRedisIn } from '../systems/rejoin.js';
import type { SystemName } from '../systems/system.js';
import type { Builds } from './compare-builds.js';

/** @param directory of the other build */
export function buildsOf(systems: readonly SystemName[], directory: string): Builds[] {
  const builds: Builds[] = [
    { name: 'rejoin', ours: rejoin, theirs: rejoinIn(directory) },
    { name: 'rejoin-redis', ours: rejoinOnRedis, theirs: rejoinOnRedisIn(directory) },
  ];
  return builds.filter(({ name }) => systems.includes(name));
}
