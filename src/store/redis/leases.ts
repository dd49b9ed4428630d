import { setTimeout as sleep } from 'node:timers/promises';
import type { BaseLogger } from 'pino';
import { BoundedCache, maxRememberedStreams } from '../../bounded-cache.js';
import { ServiceError, toLogFields } from '../../errors.js';
import { runInSlices } from '../../events/slices.js';
import { Continuity, leaseCheckMs, overtakenMs } from '../lease.js';
import { type StreamId, streamKey } from '../stream-id.js';
import { ClusterReach } from './connection/cluster-reach.js';
import { isConnected } from './connection/redis-client.js';
import { RedisCluster } from './connection/redis-cluster.js';
import { isAway, isOutOfMemory } from './connection/redis-errors.js';
import { leasesKey, redisKeys, streamOfKey } from './redis-keys.js';
import type { ScriptClient } from './script-client.js';

/** How many deadlines are taken at a time. */
const leasesPerLook = 100;

/** How long a look waits for its streams: less than makes the next one late. */
const patienceMs = 500;

/** When a stream that could not be reached is looked at again. */
const laterMs = 2000;

/** For how long it is remembered that a stream could not be reached: many looks, of many nodes. */
const unreachedMs = 60_000;

/** How many hints one command sets again: after an outage, those of all streams may be past. */
const hintsPerCommand = 1000;

/** How many streams may wait to be hinted at, while what holds the deadlines is away. */
const maxMissingHints = 10_000;

/** When to look at a stream again, by Redis' clock; null when nobody has promised anything. */
export type NextLook = number | null;

export interface RedisLeasesOptions {
  readonly client: ScriptClient;
  readonly prefix: string;
  readonly logger: BaseLogger;
  /** Of how many streams this process remembers that they are hinted at. */
  readonly maxRemembered?: number;
  /** Ends the stream if its lease has run out. Times are by Redis' clock. */
  readonly endLost: (stream: StreamId, since: number, lookedAt: number) => Promise<NextLook>;
}

/**
 * The deadlines of leases, which every node looks at with one command a second for all streams. A
 * deadline is a hint that comes no later than the lease runs out; the state of the stream, which
 * each append renews, has the truth.
 */
export class RedisLeases {
  readonly #continuity = new Continuity();
  /** When, by this process's clock, the streams that it has hinted at are looked at. */
  readonly #hintedUntil: BoundedCache<number>;
  /** The streams whose hint could not be written. */
  readonly #missing = new Set<string>();
  readonly #settling = new Set<string>();
  /** Those that could not be reached, until this node reaches them; another one may settle them. */
  readonly #unreached = new BoundedCache<true>(maxRememberedStreams, unreachedMs);
  readonly #reach: ClusterReach | null;
  #isClosed = false;

  constructor(readonly options: RedisLeasesOptions) {
    // Redis may have been away, too briefly for a look to be missed.
    const { client, maxRemembered = maxRememberedStreams } = options;
    this.#hintedUntil = new BoundedCache(maxRemembered, 0); // each stays until it is due
    client.on('ready', () => this.#continuity.noteBreak());
    this.#reach = client instanceof RedisCluster ? new ClusterReach(client) : null;
    void this.#run();
  }

  /**
   * Sees to it that the stream is looked at before a lease of this length, begun now, runs out. In
   * a cluster the deadlines may be away and the stream not: then the hint is written when they are
   * back, and as nothing is ended before, that is early enough. A full Redis is written to when it
   * has room again: a worker must not be refused there that shows that it lives.
   */
  async hint(stream: StreamId, leaseMs: number): Promise<void> {
    try {
      await this.#hint(stream, leaseMs);
    } catch (error) {
      const isLater = isAway(error) || isOutOfMemory(error);
      const key = streamKey(stream);
      const hasRoom = this.#missing.has(key) || this.#missing.size < maxMissingHints;
      if (!isLater || !hasRoom) throw error;
      this.#missing.add(key);
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  get #key(): string {
    return leasesKey(this.options.prefix);
  }

  async #hint(stream: StreamId, leaseMs: number): Promise<void> {
    const key = streamKey(stream);
    const now = performance.now();
    const hintedUntil = this.#hintedUntil.get(key) ?? 0;
    if (now < hintedUntil && hintedUntil <= now + leaseMs) return;
    const inMs = (await this.options.client.scheduleLeaseCheck(this.#key, key, leaseMs)) as number;
    this.#hintedUntil.set(key, now + inMs);
  }

  async #run(): Promise<void> {
    let pause = pauseBetweenLooks();
    while (!this.#isClosed) {
      await pause;
      pause = pauseBetweenLooks();
      // While Redis is away, `Continuity` sees the break by the time that passes.
      if (!isConnected(this.options.client)) continue;
      await this.#look().catch((error) => this.#logFailure(error));
    }
  }

  async #look(): Promise<void> {
    let [lookedAt, due] = await this.#due('');
    this.#reach?.look(lookedAt);
    if (due.length > 0) await sleep(overtakenMs, undefined, { ref: false });
    while (due.length > 0 && !this.#isClosed) {
      // A node of a cluster that hangs keeps its own streams waiting, and no others.
      const settled = this.#settleAll(due, lookedAt);
      const patience = sleep(patienceMs, 0, { ref: false });
      if ((await Promise.race([settled, patience])) < leasesPerLook) break;
      [, due] = await this.#due(lookedAt);
    }
    await this.#restore();
  }

  /** The time, and the first deadlines that are before the latest one: by default before now. */
  async #due(latest: number | ''): Promise<[now: number, due: string[]]> {
    const reply = await this.options.client.dueLeases(this.#key, leasesPerLook, latest);
    const [now, ...due] = reply as DueLeases;
    this.#continuity.note(now);
    return [now, due];
  }

  /** Returns how many were settled. One that fails is looked at again later, behind the others. */
  async #settleAll(due: readonly string[], lookedAt: number): Promise<number> {
    const settling: Promise<boolean>[] = [];
    for (let index = 0; index < due.length; index += 2) {
      settling.push(this.#settle(due[index] as string, due[index + 1] as string, lookedAt));
    }
    const results = await Promise.all(settling);
    return results.filter(Boolean).length;
  }

  /** Has the streams looked at whose hint has passed, in case that Redis has lost it. */
  async #restore(): Promise<void> {
    const now = performance.now();
    const past = await runInSlices(this.#hintedUntil.keysWhere((until) => until <= now));
    const lost = [...this.#missing, ...past];
    for (let from = 0; from < lost.length; from += hintsPerCommand) {
      const some = lost.slice(from, from + hintsPerCommand);
      await this.options.client.zadd(this.#key, 'NX', ...some.flatMap((key) => [0, key]));
      for (const key of some) this.#missing.delete(key);
      for (const key of some) this.#deleteIfPast(key, now);
    }
  }

  /** It may have been hinted at anew meanwhile. */
  #deleteIfPast(key: string, now: number): void {
    if ((this.#hintedUntil.get(key) ?? now) <= now) this.#hintedUntil.delete(key);
  }

  async #settle(key: string, deadline: string, lookedAt: number): Promise<boolean> {
    if (this.#settling.has(key)) return false;
    this.#settling.add(key);
    try {
      const next = await this.#lookAt(key, lookedAt);
      await this.options.client.compareAndSetScore(this.#key, key, deadline, next ?? '');
      return true;
    } catch (error) {
      this.#logFailure(error);
      return false;
    } finally {
      this.#settling.delete(key);
    }
  }

  async #lookAt(key: string, lookedAt: number): Promise<NextLook> {
    const since = await this.#since(key, lookedAt);
    try {
      const next = await this.options.endLost(streamOfKey(key), since, lookedAt);
      this.#unreached.delete(key);
      return next;
    } catch (error) {
      this.#logFailure(error);
      this.#unreached.set(key, true);
      return lookedAt + laterMs;
    }
  }

  /** A stream may have had a break of its own, on a node of a cluster. */
  async #since(key: string, lookedAt: number): Promise<number> {
    const { since } = this.#continuity;
    if (this.#unreached.get(key)) return lookedAt;
    if (this.#reach === null) return since;
    const { list } = redisKeys(this.options.prefix, streamOfKey(key));
    return Math.max(since, await this.#reach.since(list, lookedAt));
  }

  #logFailure(error: unknown): void {
    if (this.#isClosed) return;
    const { logger } = this.options;
    const message = 'The deadlines of leases could not be looked at';
    if (error instanceof ServiceError) logger.debug({ code: error.code }, message);
    else logger.debug(toLogFields(error), message);
  }
}

/** From one look to the next, however long that takes. */
function pauseBetweenLooks(): Promise<void> {
  return sleep(leaseCheckMs, undefined, { ref: false });
}

type DueLeases = [now: number, ...streamsAndDeadlines: string[]];
