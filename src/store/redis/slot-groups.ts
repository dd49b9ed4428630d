import { RedisCluster } from './connection/redis-cluster.js';
import type { ScriptClient } from './script-client.js';

/**
 * Divides calls into groups that one script can serve, in their order: in a cluster, those of one slot.
 *
 * @param costOf cost of a call
 * @param maxCost max cost of a group; a call that costs more has a group to itself
 */
export function groupsOf<Call extends { readonly list: string }>(
  calls: readonly Call[],
  client: ScriptClient,
  costOf: (call: Call) => number,
  maxCost: number,
): Call[][] {
  const groups: Call[][] = [];
  const latest = new Map<number, { readonly calls: Call[]; cost: number }>();
  for (const call of calls) {
    const slot = client instanceof RedisCluster ? client.slotOf(call.list) : 0;
    const cost = costOf(call);
    let group = latest.get(slot);
    if (group === undefined || group.cost + cost > maxCost) {
      group = { calls: [], cost: 0 };
      latest.set(slot, group);
      groups.push(group.calls);
    }
    group.calls.push(call);
    group.cost += cost;
  }
  return groups;
}
