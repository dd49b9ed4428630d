import type { Redis } from 'ioredis';
import { Continuity } from '../lease.js';
import type { RedisCluster } from './connection/redis-cluster.js';

/**
 * Since when each primary of a cluster has been reachable without a break. The response of another
 * node says nothing of that.
 */
export class ClusterContinuity {
  /** A node that was lost comes back over another connection, and so without a past. */
  readonly #continuities = new WeakMap<Redis, Continuity>();
  /** Since when, by the last check. */
  #since = new Map<Redis, Promise<number>>();

  constructor(readonly cluster: RedisCluster) {}

  /** Asks each primary whether it serves. Only streams of one that hangs wait for its response. */
  check(now: number): void {
    const primaries = this.cluster.nodes('master');
    this.#since = new Map(primaries.map((node) => [node, this.#ask(node, now)]));
  }

  /** Since when what has this key was reachable; the time of the check when it did not respond. */
  async since(key: string, checkedAt: number): Promise<number> {
    const owner = this.cluster.ownerOf(key);
    return (owner && (await this.#since.get(owner))) ?? checkedAt;
  }

  async #ask(node: Redis, now: number): Promise<number> {
    const continuity = this.#continuities.get(node) ?? new Continuity();
    this.#continuities.set(node, continuity);
    const askedAt = performance.now();
    const serves = await isServing(node);
    const answeredAt = now + performance.now() - askedAt;
    if (serves) continuity.note(answeredAt);
    else continuity.noteBreak();
    return serves ? continuity.since : answeredAt;
  }
}

/** A primary that has lost the others rejects appends, and says so here. */
async function isServing(node: Redis): Promise<boolean> {
  try {
    return /cluster_state:ok/.test(await node.cluster('INFO'));
  } catch {
    return false;
  }
}
