import { setTimeout as sleep } from 'node:timers/promises';
import { BoundedCache, maxRememberedStreams } from '../../bounded-cache.js';
import { ServiceError, toLogFields } from '../../errors.js';
import { runInSlices } from '../../time-slices.js';
import { Continuity, leaseCheckMs, leaseExpiredEvent, overtakenMs } from '../lease-rules.js';
import { type StreamId, streamKey } from '../stream-manager.js';
import { isConnected } from './connection/redis-client.js';
import { ClusterContinuity, RedisCluster } from './connection/redis-cluster.js';
import { isAway, isOutOfMemory, nullIfWrongType } from './connection/redis-errors.js';
import type { RedisCalls } from './redis-calls.js';
import { leasesKey, redisKeys, streamOfKey } from './redis-keys.js';
import type { ScriptClient } from './script-client.js';

/** Number of deadlines read at a time. */
const leasesPerPage = 100;

/** Max time that a round of checks waits for its streams, short enough not to delay the next round. */
const maxRoundMs = 500;

/** Delay before a stream that was unreachable is checked again. */
const retryMs = 2000;

/** How long it is remembered that a stream was unreachable: longer than many checks by many nodes. */
const unreachedMs = 60_000;

/** Max deadlines restored by one command: after an outage, those of all streams may have passed. */
const deadlinesPerCommand = 1000;

/** Max streams without a scheduled deadline while the node with the deadlines is unavailable. */
const maxUnscheduled = 10_000;

/** When to check a stream again, by the clock of Redis; null when it has no lease. */
export type NextCheck = number | null;

export interface RedisLeasesOptions {
  readonly calls: RedisCalls;
  readonly prefix: string;
  /** Max streams that this process remembers as scheduled. */
  readonly maxRemembered?: number;
}

/**
 * The deadlines of leases, which every node reads with one command a second for all streams. A
 * deadline is a hint, never later than the expiry of the lease; the truth is in the state of the
 * stream, which each append renews.
 */
export class RedisLeases {
  readonly #continuity = new Continuity();
  /** When the streams that this process has scheduled are checked, by its own clock. */
  readonly #scheduled: BoundedCache<number>;
  /** The streams whose deadline could not be written. */
  readonly #unscheduled = new Set<string>();
  readonly #checking = new Set<string>();
  /** The streams that this node could not reach yet; another node may have checked them. */
  readonly #unreached = new BoundedCache<true>(maxRememberedStreams, unreachedMs);
  readonly #clusterContinuity: ClusterContinuity | null;
  #expiredLeases = 0;
  #isClosed = false;

  constructor(readonly options: RedisLeasesOptions) {
    const { calls, maxRemembered = maxRememberedStreams } = options;
    const { client } = calls;
    this.#scheduled = new BoundedCache(maxRemembered, 0); // an entry stays until it is due
    // Redis may have been unavailable too briefly for a check to be missed.
    client.on('ready', () => this.#continuity.noteBreak());
    this.#clusterContinuity = client instanceof RedisCluster ? new ClusterContinuity(client) : null;
    void this.#run();
  }

  /**
   * Schedules a check of the stream no later than the expiry of a lease of this length that begins now.
   * In a cluster, the node with the deadlines may be unavailable while that of the stream is not: then
   * the deadline is written later, which is early enough, as no lease expires before. The same holds
   * for a full Redis, where the heartbeat of a worker must not be rejected.
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

  /** Number of streams that this process has ended. */
  get expiredLeases(): number {
    return this.#expiredLeases;
  }

  close(): void {
    this.#isClosed = true;
  }

  get #client(): ScriptClient {
    return this.options.calls.client;
  }

  get #key(): string {
    return leasesKey(this.options.prefix);
  }

  async #schedule(stream: StreamId, leaseMs: number): Promise<void> {
    const key = streamKey(stream);
    const now = performance.now();
    const checkedAt = this.#scheduled.get(key) ?? 0;
    if (now < checkedAt && checkedAt <= now + leaseMs) return;
    const inMs = (await this.#client.scheduleLeaseCheck(this.#key, key, leaseMs)) as number;
    this.#scheduled.set(key, now + inMs);
  }

  async #run(): Promise<void> {
    let pause = pauseBetweenRounds();
    while (!this.#isClosed) {
      await pause;
      pause = pauseBetweenRounds();
      // While Redis is unavailable, `Continuity` detects the break by the time that passes.
      if (!isConnected(this.#client)) continue;
      await this.#round().catch((error) => this.#logFailure(error));
    }
  }

  async #round(): Promise<void> {
    let [checkedAt, due] = await this.#due('');
    this.#clusterContinuity?.check(checkedAt);
    if (due.length > 0) await sleep(overtakenMs, undefined, { ref: false });
    while (due.length > 0 && !this.#isClosed) {
      // A node of a cluster that hangs delays only its own streams.
      const checked = this.#checkAll(due, checkedAt);
      const timeout = sleep(maxRoundMs, 0, { ref: false });
      if ((await Promise.race([checked, timeout])) < leasesPerPage) break;
      [, due] = await this.#due(checkedAt);
    }
    await this.#restore();
  }

  /** The time, and the first streams whose deadline is before `latest`, by default before now. */
  async #due(latest: number | ''): Promise<[now: number, due: string[]]> {
    const reply = await this.#client.dueLeases(this.#key, leasesPerPage, latest);
    const [now, ...due] = reply as DueLeases;
    this.#continuity.note(now);
    return [now, due];
  }

  /** Returns how many streams were checked. One that fails is checked again later, after the others. */
  async #checkAll(due: readonly string[], checkedAt: number): Promise<number> {
    const checks: Promise<boolean>[] = [];
    for (let index = 0; index < due.length; index += 2) {
      checks.push(this.#check(due[index] as string, due[index + 1] as string, checkedAt));
    }
    const results = await Promise.all(checks);
    return results.filter(Boolean).length;
  }

  /** Schedules the streams whose deadline has passed, in case Redis has lost it. */
  async #restore(): Promise<void> {
    const now = performance.now();
    const past = await runInSlices(this.#scheduled.keysWhere((until) => until <= now));
    const lost = [...this.#unscheduled, ...past];
    for (let from = 0; from < lost.length; from += deadlinesPerCommand) {
      const some = lost.slice(from, from + deadlinesPerCommand);
      await this.#client.zadd(this.#key, 'NX', ...some.flatMap((key) => [0, key]));
      for (const key of some) this.#unscheduled.delete(key);
      for (const key of some) this.#deleteIfPast(key, now);
    }
  }

  /** Deletes a past deadline, unless the stream has been scheduled again meanwhile. */
  #deleteIfPast(key: string, now: number): void {
    if ((this.#scheduled.get(key) ?? now) <= now) this.#scheduled.delete(key);
  }

  async #check(key: string, deadline: string, checkedAt: number): Promise<boolean> {
    if (this.#checking.has(key)) return false;
    this.#checking.add(key);
    try {
      const next = await this.#expire(key, checkedAt);
      await this.#client.compareAndSetScore(this.#key, key, deadline, next ?? '');
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
      const next = await this.#expireLease(streamOfKey(key), since, checkedAt);
      this.#unreached.delete(key);
      return next;
    } catch (error) {
      this.#logFailure(error);
      this.#unreached.set(key, true);
      return checkedAt + retryMs;
    }
  }

  /** Ends the stream if its lease has expired. All times are those of the clock of Redis. */
  async #expireLease(id: StreamId, since: number, checkedAt: number): Promise<NextCheck> {
    const { calls, prefix } = this.options;
    const { list, state } = redisKeys(prefix, id);
    const args = [since, checkedAt, leaseExpiredEvent().bytes];
    const reply = await calls.runScript(list, (scanned) =>
      this.#client.expireLeaseBuffer(list, state, scanned, ...args).catch(nullIfWrongType),
    );
    const outcome = reply?.[0].toString();
    if (outcome === 'expired') {
      this.#expiredLeases += 1;
      calls.logger.info({ ...id }, 'A lease has expired');
    }
    return outcome === 'later' ? (reply?.[1] as number) : null;
  }

  /** Since when the stream has been reachable: a node of a cluster may have had a break of its own. */
  async #since(key: string, checkedAt: number): Promise<number> {
    const { since } = this.#continuity;
    if (this.#unreached.get(key)) return checkedAt;
    if (this.#clusterContinuity === null) return since;
    const { list } = redisKeys(this.options.prefix, streamOfKey(key));
    return Math.max(since, await this.#clusterContinuity.since(list, checkedAt));
  }

  #logFailure(error: unknown): void {
    if (this.#isClosed) return;
    const { logger } = this.options.calls;
    const message = 'Leases could not be checked';
    if (error instanceof ServiceError) logger.debug({ code: error.code }, message);
    else logger.debug(toLogFields(error), message);
  }
}

/** The pause between the starts of two rounds. */
function pauseBetweenRounds(): Promise<void> {
  return sleep(leaseCheckMs, undefined, { ref: false });
}

type DueLeases = [now: number, ...streamsAndDeadlines: string[]];
