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
  /** Of a stream that has none of its own. */
  readonly ttlMs: number;
  /**
   * Checks streams of a session that were noted a while ago: those that live are noted again, and
   * those gone are dropped. Never rejects.
   */
  readonly refresh: (sessionId: string, noted: readonly NotedStream[]) => Promise<void>;
  /** Of how many streams this process remembers that they are noted. */
  readonly maxRemembered?: number;
}

/** How long after it was noted a stream may not have begun yet. Longer than `notedMs`. */
const beginningMs = 60_000;

/** How often one admission to a full session checks whether streams are gone; the next one goes on. */
const maxChecks = 10;

/** For how long this process takes a stream for noted, at most: others may have dropped it. */
const notedMs = 30_000;

/**
 * Which streams a session has, in a sorted set of a slot of its own: a hint, written before the
 * append, that may name streams that are gone. Scores are times by this process's clock.
 */
export class SessionIndex {
  /** The streams that need not be noted again yet. */
  readonly #noted: BoundedCache<true>;
  /** The checks of sessions that are under way. */
  readonly #checks = new Map<string, Promise<void>>();

  constructor(readonly options: SessionIndexOptions) {
    const { ttlMs, maxRemembered = maxRememberedStreams } = options;
    this.#noted = new BoundedCache(maxRemembered, Math.min(ttlMs / 4, notedMs));
  }

  /**
   * Notes a stream that is about to be appended to, and again while it lives, so that the set
   * outlives each stream in it.
   *
   * @returns whether it was noted now; else it was shortly before
   * @throws ServiceError `session_full` when the stream is not in a set that is full
   */
  async admit(stream: StreamId): Promise<boolean> {
    if (this.#isNoted(stream)) return false;
    const { ttlMs, limits } = this.options;
    for (let checks = 0; checks <= maxChecks; checks += 1) {
      const [isNoted, old] = await this.#write(stream, ttlMs, limits.maxSessionStreams);
      const check = this.#check(stream.sessionId, old);
      if (isNoted) return true;
      if (old.length === 0) break;
      await check; // whether streams that count are gone
    }
    throw sessionFull(limits);
  }

  /** Notes a stream that is there, whatever the limit, and lives for so long. */
  async note(stream: StreamId, livesMs: number): Promise<void> {
    if (!this.#isNoted(stream)) await this.keep(stream, livesMs);
  }

  /** The same, although it may have been noted shortly before. */
  async keep(stream: StreamId, livesMs: number): Promise<void> {
    const [, old] = await this.#write(stream, livesMs, '');
    void this.#check(stream.sessionId, old); // else a session that is only read would grow for ever
  }

  /** The streams of a session, those noted last first, with the time of that. */
  async list(sessionId: string): Promise<NotedStream[]> {
    const set = sessionKey(this.options.prefix, sessionId);
    const last = maxListedStreams - 1;
    const flat = await this.options.client.zrevrange(set, 0, last, 'WITHSCORES');
    return toNotedStreams(flat as unknown[]);
  }

  /** Takes streams out that are gone, but for those that may just be about to begin. */
  async drop(sessionId: string, gone: readonly NotedStream[]): Promise<void> {
    const latest = this.#latestBegun(Date.now());
    const old = gone.filter(({ notedAt }) => notedAt <= latest);
    await Promise.all(old.map((stream) => this.#dropUnlessNoted(sessionId, stream)));
  }

  /** Takes a stream out that was deleted. */
  async remove({ sessionId, messageId }: StreamId): Promise<void> {
    this.#noted.delete(streamKey({ sessionId, messageId }));
    await this.options.client.zrem(sessionKey(this.options.prefix, sessionId), messageId);
  }

  /** After this time, a stream that was not noted again is checked. */
  get #keptMs(): number {
    return Math.ceil(this.options.ttlMs * 1.5);
  }

  /** A stream that was noted before has begun by now, or is gone. */
  #latestBegun(now: number): number {
    return now - Math.min(beginningMs, this.#keptMs);
  }

  #isNoted(stream: StreamId): boolean {
    return this.#noted.get(streamKey(stream)) === true;
  }

  /** @returns whether the stream is noted, and those of its session that are to be checked */
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

  /** One at a time: appends that come together are shown the same streams. */
  async #check(sessionId: string, old: readonly NotedStream[]): Promise<void> {
    if (old.length === 0) return;
    const check = this.#checks.get(sessionId) ?? this.options.refresh(sessionId, old);
    this.#checks.set(sessionId, check);
    await check;
    if (this.#checks.get(sessionId) === check) this.#checks.delete(sessionId);
  }

  /** It may have been noted anew since it was listed. */
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

/** Pairs as they are, with RESP3, or one after another, as with RESP2. */
function toPairs(reply: readonly unknown[]): (readonly unknown[])[] {
  if (reply.every(Array.isArray)) return reply as unknown[][];
  return reply.flatMap((item, index) => (index % 2 === 0 ? [[item, reply[index + 1]]] : []));
}
