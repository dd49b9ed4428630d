import { BoundedCache, maxRememberedStreams } from '../../bounded-cache.js';
import { type StreamLimits, sessionFull } from '../lifecycle.js';
import { type StreamId, streamKey } from '../stream-id.js';
import { maxListedStreams } from '../stream-manager.js';
import { sessionKey } from './redis-keys.js';
import type { ScriptClient } from './script-client.js';

export interface SessionIndexOptions {
  readonly client: ScriptClient;
  readonly prefix: string;
  readonly limits: StreamLimits;
  /** Default time to live of a stream. */
  readonly ttlMs: number;
  /**
   * Checks streams of a session that were noted a while ago: existing ones are noted again, expired ones
   * are dropped. Never rejects.
   */
  readonly refresh: (sessionId: string, noted: readonly NotedStream[]) => Promise<void>;
  /** Max streams that this process remembers as noted. */
  readonly maxRemembered?: number;
}

/** How long after it was noted a stream may still not exist. Longer than `notedMs`. */
const beginningMs = 60_000;

/** Max checks for expired streams by one admission to a full session; the next admission continues. */
const maxChecks = 10;

/** Max time that this process remembers a stream as noted: other nodes may have dropped it. */
const notedMs = 30_000;

/**
 * The streams of a session, in a sorted set in its own slot. The set is a hint, written before the
 * append, and may contain expired streams. Scores are times of the clock of this process. To note a
 * stream is to add it to the set, or to update its score.
 */
export class SessionIndex {
  /** The streams that were noted a short while ago. */
  readonly #noted: BoundedCache<true>;
  /** The running check of each session. */
  readonly #checks = new Map<string, Promise<void>>();

  constructor(readonly options: SessionIndexOptions) {
    const { ttlMs, maxRemembered = maxRememberedStreams } = options;
    this.#noted = new BoundedCache(maxRemembered, Math.min(ttlMs / 4, notedMs));
  }

  /**
   * Notes a stream before an append, and repeatedly while it lives, so that the set outlives every stream
   * in it.
   *
   * @returns true if it was noted now, false if a short while ago
   * @throws ServiceError `session_full` when the set is full and lacks the stream
   */
  async admit(stream: StreamId): Promise<boolean> {
    if (this.#isNoted(stream)) return false;
    const { ttlMs, limits } = this.options;
    for (let checks = 0; checks <= maxChecks; checks += 1) {
      const [isNoted, old] = await this.#write(stream, ttlMs, limits.maxSessionStreams);
      const check = this.#check(stream.sessionId, old);
      if (isNoted) return true;
      if (old.length === 0) break;
      await check; // drops expired streams, which count
    }
    throw sessionFull(limits);
  }

  /** Notes an existing stream regardless of the limit, unless it was noted a short while ago. */
  async note(stream: StreamId, livesMs: number): Promise<void> {
    if (!this.#isNoted(stream)) await this.keep(stream, livesMs);
  }

  /** Notes an existing stream regardless of the limit. */
  async keep(stream: StreamId, livesMs: number): Promise<void> {
    const [, old] = await this.#write(stream, livesMs, '');
    void this.#check(stream.sessionId, old); // otherwise the set of a session that is only read would never shrink
  }

  /** The streams of a session with the times when they were noted, latest first. */
  async list(sessionId: string): Promise<NotedStream[]> {
    const set = sessionKey(this.options.prefix, sessionId);
    const last = maxListedStreams - 1;
    const flat = await this.options.client.zrevrange(set, 0, last, 'WITHSCORES');
    return toNotedStreams(flat as unknown[]);
  }

  /** Removes streams that do not exist, except those that may be about to be created. */
  async drop(sessionId: string, gone: readonly NotedStream[]): Promise<void> {
    const latest = this.#latestBegun(Date.now());
    const old = gone.filter(({ notedAt }) => notedAt <= latest);
    await Promise.all(old.map((stream) => this.#dropUnlessNoted(sessionId, stream)));
  }

  /** Removes a deleted stream. */
  async remove({ sessionId, messageId }: StreamId): Promise<void> {
    this.#noted.delete(streamKey({ sessionId, messageId }));
    await this.options.client.zrem(sessionKey(this.options.prefix, sessionId), messageId);
  }

  /** Age of an entry at which its stream is checked. */
  get #keptMs(): number {
    return Math.ceil(this.options.ttlMs * 1.5);
  }

  /** A stream that was noted before this time either exists by now or has expired. */
  #latestBegun(now: number): number {
    return now - Math.min(beginningMs, this.#keptMs);
  }

  #isNoted(stream: StreamId): boolean {
    return this.#noted.get(streamKey(stream)) === true;
  }

  /** @returns whether the stream is in the set, and the streams of its session that need a check */
  async #write(
    { sessionId, messageId }: StreamId,
    livesMs: number,
    max: number | '',
  ): Promise<[isNoted: boolean, old: NotedStream[]]> {
    const { client, prefix } = this.options;
    const now = Date.now();
    const set = sessionKey(prefix, sessionId);
    const setMs = Math.max(this.#keptMs, Math.ceil(livesMs * 1.5));
    const args = [messageId, now, now - this.#keptMs, this.#latestBegun(now), setMs, max];
    const [isNoted, ...old] = (await client.noteStream(set, ...args)) as [number, ...unknown[]];
    if (isNoted === 1) this.#noted.set(streamKey({ sessionId, messageId }), true);
    return [isNoted === 1, toNotedStreams(old)];
  }

  /** Runs one check of a session at a time, since concurrent appends get the same old streams. */
  async #check(sessionId: string, old: readonly NotedStream[]): Promise<void> {
    if (old.length === 0) return;
    const check = this.#checks.get(sessionId) ?? this.options.refresh(sessionId, old);
    this.#checks.set(sessionId, check);
    await check;
    if (this.#checks.get(sessionId) === check) this.#checks.delete(sessionId);
  }

  /** Removes a stream by compare-and-set, as it may have been noted again since it was listed. */
  async #dropUnlessNoted(sessionId: string, { messageId, notedAt }: NotedStream): Promise<void> {
    this.#noted.delete(streamKey({ sessionId, messageId }));
    const set = sessionKey(this.options.prefix, sessionId);
    await this.options.client.compareAndSetScore(set, messageId, String(notedAt), '');
  }
}

export interface NotedStream {
  readonly messageId: string;
  readonly notedAt: number;
}

function toNotedStreams(reply: readonly unknown[]): NotedStream[] {
  return toPairs(reply).map(([messageId, notedAt]) => ({
    messageId: String(messageId),
    notedAt: Number(notedAt),
  }));
}

/** The pairs of a reply, which RESP3 nests and RESP2 flattens. */
function toPairs(reply: readonly unknown[]): (readonly unknown[])[] {
  if (reply.every(Array.isArray)) return reply as unknown[][];
  return reply.flatMap((item, index) => (index % 2 === 0 ? [[item, reply[index + 1]]] : []));
}
