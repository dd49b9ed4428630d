import { setTimeout as sleep } from 'node:timers/promises';
import type { BaseLogger } from 'pino';
import { BoundedCache, maxRememberedStreams } from '../../bounded-cache.js';
import { ServiceError, toLogFields } from '../../errors.js';
import { runInSlices } from '../../events/slices.js';
import { Continuity, leaseCheckMs, overtakenMs } from '../lease.js';
import { type StreamId, streamKey } from '../stream-id.js';
import { ClusterContinuity } from './cluster-continuity.js';
import { isConnected } from './connection/redis-client.js';
import { RedisCluster } from './connection/redis-cluster.js';
import { isAway, isOutOfMemory } from './connection/redis-errors.js';
import { leasesKey, redisKeys, streamOfKey } from './redis-keys.js';
import type { ScriptClient } from './script-client.js';

/** How many deadlines are read at a time. */
const leasesPerPage = 100;

/** How long a round of checks waits for its streams: less than makes the next one late. */
const maxRoundMs = 500;

/** When a stream that could not be reached is checked again. */
const retryMs = 2000;

/** For how long it is remembered that a stream could not be reached: many checks, of many nodes. */
const unreachedMs = 60_000;

/** How many deadlines one command restores: after an outage, those of all streams may be past. */
const deadlinesPerCommand = 1000;

/** How many streams may wait for their deadline, while what holds the deadlines is away. */
const maxUnscheduled = 10_000;

/** When to check a stream again, by Redis' clock; null when it has no lease. */
export type NextCheck = number | null;

export interface RedisLeasesOptions {
  readonly client: ScriptClient;
  readonly prefix: string;
  readonly logger: BaseLogger;
  /** Of how many streams this process remembers that they are scheduled. */
  readonly maxRemembered?: number;
  /** Ends the stream if its lease has run out. Times are by Redis' clock. */
  readonly expireLease: (stream: StreamId, since: number, checkedAt: number) => Promise<NextCheck>;
}

/**
 * The deadlines of leases, which every node reads with one command a second for all streams. A
 * deadline is a hint that comes no later than the lease runs out; the state of the stream, which
 * each append renews, has the truth.
 */
export class RedisLeases {
  readonly #continuity = new Continuity();
  /** When, by this process's clock, the streams are checked that it has scheduled. */
  readonly #scheduled: BoundedCache<number>;
  /** The streams whose deadline could not be written. */
  readonly #unscheduled = new Set<string>();
  readonly #checking = new Set<string>();
  /** Those that could not be reached, until this node reaches them; another one may have checked them. */
  readonly #unreached = new BoundedCache<true>(maxRememberedStreams, unreachedMs);
  readonly #clusterContinuity: ClusterContinuity | null;
  #isClosed = false;

  constructor(readonly options: RedisLeasesOptions) {
    // Redis may have been away, too briefly for a check to be missed.
    const { client, maxRemembered = maxRememberedStreams } = options;
    this.#scheduled = new BoundedCache(maxRemembered, 0); // each stays until it is due
    client.on('ready', () => this.#continuity.noteBreak());
    this.#clusterContinuity = client instanceof RedisCluster ? new ClusterContinuity(client) : null;
    void this.#run();
  }

  /**
   * Sees to it that the stream is checked before a lease of this length, begun now, runs out. In a
   * cluster the deadlines may be away and the stream not: then the deadline is written when they are
   * back, and as nothing expires before, that is early enough. A full Redis is written to when it
   * has room again: the heartbeat of a worker must not be rejected there.
   */
  async schedule(stream: StreamId, leaseMs: number): Promise<void> {
    try {
      await this.#schedule(stream, leaseMs);
    } catch (error) {
      const isLater = isAway(error) || isOutOfMemory(error);
      const key = streamKey(stream);
      const hasRoom = this.#unscheduled.has(key) || this.#unscheduled.size < maxUnscheduled;
      if (!isLater || !hasRoom) throw error;
      this.#unscheduled.add(key);
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  get #key(): string {
    return leasesKey(this.options.prefix);
  }

  async #schedule(stream: StreamId, leaseMs: number): Promise<void> {
    const key = streamKey(stream);
    const now = performance.now();
    const checkedAt = this.#scheduled.get(key) ?? 0;
    if (now < checkedAt && checkedAt <= now + leaseMs) return;
    const inMs = (await this.options.client.scheduleLeaseCheck(this.#key, key, leaseMs)) as number;
    this.#scheduled.set(key, now + inMs);
  }

  async #run(): Promise<void> {
    let pause = pauseBetweenRounds();
    while (!this.#isClosed) {
      await pause;
      pause = pauseBetweenRounds();
      // While Redis is away, `Continuity` sees the break by the time that passes.
      if (!isConnected(this.options.client)) continue;
      await this.#round().catch((error) => this.#logFailure(error));
    }
  }

  async #round(): Promise<void> {
    let [checkedAt, due] = await this.#due('');
    this.#clusterContinuity?.check(checkedAt);
    if (due.length > 0) await sleep(overtakenMs, undefined, { ref: false });
    while (due.length > 0 && !this.#isClosed) {
      // A node of a cluster that hangs keeps its own streams waiting, and no others.
      const checked = this.#checkAll(due, checkedAt);
      const timeout = sleep(maxRoundMs, 0, { ref: false });
      if ((await Promise.race([checked, timeout])) < leasesPerPage) break;
      [, due] = await this.#due(checkedAt);
    }
    await this.#restore();
  }

  /** The time, and the first deadlines that are before the latest one: by default before now. */
  async #due(latest: number | ''): Promise<[now: number, due: string[]]> {
    const reply = await this.options.client.dueLeases(this.#key, leasesPerPage, latest);
    const [now, ...due] = reply as DueLeases;
    this.#continuity.note(now);
    return [now, due];
  }

  /** Returns how many were checked. One that fails is checked again later, behind the others. */
  async #checkAll(due: readonly string[], checkedAt: number): Promise<number> {
    const checks: Promise<boolean>[] = [];
    for (let index = 0; index < due.length; index += 2) {
      checks.push(this.#check(due[index] as string, due[index + 1] as string, checkedAt));
    }
    const results = await Promise.all(checks);
    return results.filter(Boolean).length;
  }

  /** Has the streams checked whose deadline has passed, in case that Redis has lost it. */
  async #restore(): Promise<void> {
    const now = performance.now();
    const past = await runInSlices(this.#scheduled.keysWhere((until) => until <= now));
    const lost = [...this.#unscheduled, ...past];
    for (let from = 0; from < lost.length; from += deadlinesPerCommand) {
      const some = lost.slice(from, from + deadlinesPerCommand);
      await this.options.client.zadd(this.#key, 'NX', ...some.flatMap((key) => [0, key]));
      for (const key of some) this.#unscheduled.delete(key);
      for (const key of some) this.#deleteIfPast(key, now);
    }
  }

  /** It may have been scheduled anew meanwhile. */
  #deleteIfPast(key: string, now: number): void {
    if ((this.#scheduled.get(key) ?? now) <= now) this.#scheduled.delete(key);
  }

  async #check(key: string, deadline: string, checkedAt: number): Promise<boolean> {
    if (this.#checking.has(key)) return false;
    this.#checking.add(key);
    try {
      const next = await this.#expire(key, checkedAt);
      await this.options.client.compareAndSetScore(this.#key, key, deadline, next ?? '');
      return true;
    } catch (error) {
      this.#logFailure(error);
      return false;
    } finally {
      this.#checking.delete(key);
    }
  }

  async #expire(key: string, checkedAt: number): Promise<NextCheck> {
    const since = await this.#since(key, checkedAt);
    try {
      const next = await this.options.expireLease(streamOfKey(key), since, checkedAt);
      this.#unreached.delete(key);
      return next;
    } catch (error) {
      this.#logFailure(error);
      this.#unreached.set(key, true);
      return checkedAt + retryMs;
    }
  }

  /** A stream may have had a break of its own, on a node of a cluster. */
  async #since(key: string, checkedAt: number): Promise<number> {
    const { since } = this.#continuity;
    if (this.#unreached.get(key)) return checkedAt;
    if (this.#clusterContinuity === null) return since;
    const { list } = redisKeys(this.options.prefix, streamOfKey(key));
    return Math.max(since, await this.#clusterContinuity.since(list, checkedAt));
  }

  #logFailure(error: unknown): void {
    if (this.#isClosed) return;
    const { logger } = this.options;
    const message = 'Leases could not be checked';
    if (error instanceof ServiceError) logger.debug({ code: error.code }, message);
    else logger.debug(toLogFields(error), message);
  }
}

/** From one round to the next, however long that takes. */
function pauseBetweenRounds(): Promise<void> {
  return sleep(leaseCheckMs, undefined, { ref: false });
}

type DueLeases = [now: number, ...streamsAndDeadlines: string[]];
