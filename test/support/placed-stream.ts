import type { StreamId } from '../../src/store/stream-manager.js';
import type { ClusterOfTest } from './cluster-of-test.js';
import type { RedisServer } from './redis-server.js';

export interface Placed {
  readonly prefix: string;
  readonly stream: StreamId;
}

/** Finds names whose keys are on these primaries. */
export async function placedOn(
  cluster: ClusterOfTest,
  wanted: { stream: RedisServer; session: RedisServer; leases: RedisServer },
): Promise<Placed> {
  const find = async (keyOf: (number: number) => string, server: RedisServer) => {
    let number = 0;
    while ((await cluster.primaryOf(keyOf(number))) !== server) number += 1;
    return number;
  };
  const prefix = `app${await find((number) => `app${number}::leases`, wanted.leases)}`;
  const sessionId = `s${await find((number) => `${prefix}:s${number}`, wanted.session)}`;
  const keyOf = (number: number) => `${prefix}:${sessionId}:m${number}`;
  const messageId = `m${await find(keyOf, wanted.stream)}`;
  return { prefix, stream: { sessionId, messageId } };
}
