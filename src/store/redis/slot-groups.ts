import { RedisCluster } from './connection/redis-cluster.js';
import type { ScriptClient } from './script-client.js';

interface Call {
  readonly list: string;
  readonly cost: number;
}

/**
 * Divides calls into groups that one script can serve, in their order: in a cluster, those of one slot.
 *
 * @param maxCost max cost of a group; a call that costs more has a group to itself
 */
export function groupsOf<One extends Call>(
  calls: readonly One[],
  client: ScriptClient,
  maxCost: number,
): One[][] {
  const groups: One[][] = [];
  const latest = new Map<number, { readonly calls: One[]; cost: number }>();
  for (const call of calls) {
    const slot = client instanceof RedisCluster ? client.slotOf(call.list) : 0;
    let group = latest.get(slot);
    if (group === undefined || group.cost + call.cost > maxCost) {
      group = { calls: [], cost: 0 };
      latest.set(slot, group);
      groups.push(group.calls);
    }
    group.calls.push(call);
    group.cost += call.cost;
  }
  return groups;
}
