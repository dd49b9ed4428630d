import type { Redis } from 'ioredis';
import { Continuity } from '../lease.js';
import type { RedisCluster } from './connection/redis-cluster.js';

/**
 * Tracks since when each primary of a cluster has been reachable without a break. A reply of another
 * node proves nothing about it.
 */
export class ClusterContinuity {
  /** A node that was lost gets another connection, and so a new continuity. */
  readonly #continuities = new WeakMap<Redis, Continuity>();
  /** The results of the last check. */
  #since = new Map<Redis, Promise<number>>();

  constructor(readonly cluster: RedisCluster) {}

  /** Asks each primary whether it serves. If one hangs, only its own streams wait for its reply. */
  check(now: number): void {
    const primaries = this.cluster.nodes('master');
    this.#since = new Map(primaries.map((node) => [node, this.#ask(node, now)]));
  }

  /** Since when the owner of this key has been reachable; the time of the check if it did not respond. */
  async since(key: string, checkedAt: number): Promise<number> {
    const owner = this.cluster.ownerOf(key);
    return (owner && (await this.#since.get(owner))) ?? checkedAt;
  }

  async #ask(node: Redis, now: number): Promise<number> {
    const continuity = this.#continuities.get(node) ?? new Continuity();
    this.#continuities.set(node, continuity);
    const askedAt = performance.now();
    const serves = await isServing(node);
    const repliedAt = now + performance.now() - askedAt;
    if (serves) continuity.note(repliedAt);
    else continuity.noteBreak();
    return serves ? continuity.since : repliedAt;
  }
}

/** Whether a primary serves: one that has lost the majority rejects writes, and reports it here. */
async function isServing(node: Redis): Promise<boolean> {
  try {
    return /cluster_state:ok/.test(await node.cluster('INFO'));
  } catch {
    return false;
  }
}
