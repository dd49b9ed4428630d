import { type ClusterOfTest, call, nodeId } from '../../../test/support/cluster-of-test.js';
import type { RedisServer } from '../../../test/support/redis-server.js';

export async function slotOf({ first }: ClusterOfTest, key: string): Promise<string> {
  return String(await call(first, 'CLUSTER', 'KEYSLOT', key));
}

/**
 * Moves a slot of the first primary to the second, key by key, as `redis-cli --cluster reshard`
 * does. Resolves with whether it was the first primary's.
 */
export async function moveSlot({ primaries }: ClusterOfTest, slot: string): Promise<boolean> {
  const [from, to] = primaries as [RedisServer, RedisServer];
  if (!(await isOwner(from, slot))) return false;
  await call(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', await nodeId(from));
  await call(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', await nodeId(to));
  for (;;) {
    const keys = (await call(from, 'CLUSTER', 'GETKEYSINSLOT', slot, '1')) as string[];
    if (keys.length === 0) break;
    await call(from, 'MIGRATE', '127.0.0.1', String(to.port), keys[0] as string, '0', '5000');
  }
  const owner = await nodeId(to);
  for (const server of [to, ...primaries]) {
    await call(server, 'CLUSTER', 'SETSLOT', slot, 'NODE', owner);
  }
  return true;
}

async function isOwner(server: RedisServer, slot: string): Promise<boolean> {
  const ranges = (await call(server, 'CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
  return ranges.some(
    ([first, last, [, port]]) =>
      first <= Number(slot) && Number(slot) <= last && port === server.port,
  );
}
