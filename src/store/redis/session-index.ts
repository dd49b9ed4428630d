import { BoundedCache, maxRememberedStreams } from '../../bounded-cache.js';
import { type StreamLimits, sessionFull } from '../append-rules.js';
import {
  type ListedStream,
  maxListedStreams,
  type StreamId,
  type StreamInfo,
  streamKey,
} from '../stream-manager.js';
import type { RedisCalls } from './redis-calls.js';
import { sessionKey } from './redis-keys.js';

export interface RedisSessionsOptions {
  readonly calls: RedisCalls;
  readonly prefix: string;
  readonly limits: StreamLimits;
  /** Default time to live of a stream. */
  readonly ttlMs: number;
  /** Reads a status, and notes the stream if it exists. */
  readonly getStatus: (stream: StreamId) => Promise<StreamInfo | null>;
  /** Max streams that this process remembers as noted. */
  readonly maxRemembered?: number;
}

/** How long after it was noted a stream may still not exist. Longer than `notedMs`. */
const beginningMs = 60_000;

/** Max checks for expired streams by one admission to a full session; the next admission continues. */
const maxChecks = 10;

/** Max time that this process remembers a stream as noted: other nodes may have dropped it. */
const notedMs = 30_000;

/** Max statuses of a session in one pipeline, as commands of others queue behind it. */
const statusesAtOnce = 50;

/** Number of statuses in the first batch of the search for an open stream, nearly always the one noted last. */
const firstStatuses = 4;

interface NotedStream {
  readonly messageId: string;
  readonly notedAt: number;
}

/**
 * The streams of a session, in a sorted set in its own slot. The set is a hint, written before the
 * append, and may contain expired streams. Scores are times of the clock of this process. To note a
 * stream is to add it to the set, or to update its score.
 */
export class RedisSessions {
  /** The streams that were noted a short while ago. */
  readonly #noted: BoundedCache<true>;
  /** The running check of each session. */
  readonly #checks = new Map<string, Promise<unknown>>();

  constructor(readonly options: RedisSessionsOptions) {
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

  /** Removes a deleted stream. */
  async remove({ sessionId, messageId }: StreamId): Promise<void> {
    this.#noted.delete(streamKey({ sessionId, messageId }));
    await this.options.calls.client.zrem(this.#keyOf(sessionId), messageId);
  }

  /** The existing streams, newest first. */
  async list(sessionId: string): Promise<readonly ListedStream[]> {
    const noted = await this.#listNoted(sessionId);
    const infos = await this.#refresh(sessionId, noted);
    const listed = noted.flatMap(({ messageId }, index) => {
      const info = infos[index] ?? null;
      return info === null ? [] : [{ messageId, info }];
    });
    return listed.sort((one, other) => other.info.createdAt - one.info.createdAt);
  }

  /** @returns the `messageId` of the newest open stream; null when none is open */
  async findOpen(sessionId: string): Promise<string | null> {
    const noted = await this.#listNoted(sessionId);
    let newest: ListedStream | null = null;
    let asked = 0;
    // A stream is noted when it is created and later, so those noted before `newest` was created are older.
    while (asked < noted.length && isNotedSince(noted[asked], newest)) {
      const some = noted.slice(asked, asked + (asked === 0 ? firstStatuses : statusesAtOnce));
      const infos = await this.#statuses(sessionId, some);
      for (const [index, { messageId }] of some.entries()) {
        const info = infos[index] ?? null;
        if (info?.status !== 'open') continue;
        if (newest === null || info.createdAt > newest.info.createdAt) newest = { messageId, info };
      }
      asked += some.length;
    }
    return newest?.messageId ?? null;
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

  #keyOf(sessionId: string): string {
    return sessionKey(this.options.prefix, sessionId);
  }

  /** The streams of a session with the times when they were noted, latest first. */
  async #listNoted(sessionId: string): Promise<NotedStream[]> {
    const { calls } = this.options;
    const set = this.#keyOf(sessionId);
    const last = maxListedStreams - 1;
    return toNotedStreams(
      await calls.run(() => calls.client.zrevrange(set, 0, last, 'WITHSCORES')),
    );
  }

  /** @returns whether the stream is in the set, and the streams of its session that need a check */
  async #write(
    { sessionId, messageId }: StreamId,
    livesMs: number,
    max: number | '',
  ): Promise<[isNoted: boolean, old: NotedStream[]]> {
    const { client } = this.options.calls;
    const now = Date.now();
    const setMs = Math.max(this.#keptMs, Math.ceil(livesMs * 1.5));
    const args = [messageId, now, now - this.#keptMs, this.#latestBegun(now), setMs, max];
    const reply = await client.noteStream(this.#keyOf(sessionId), ...args);
    const [isNoted, ...old] = reply as [number, ...unknown[]];
    if (isNoted === 1) this.#noted.set(streamKey({ sessionId, messageId }), true);
    return [isNoted === 1, toNotedStreams(old)];
  }

  /** Runs one check of a session at a time, since concurrent appends get the same old streams. */
  async #check(sessionId: string, old: readonly NotedStream[]): Promise<void> {
    if (old.length === 0) return;
    const { calls } = this.options;
    const check = this.#checks.get(sessionId) ?? calls.repair(() => this.#refresh(sessionId, old));
    this.#checks.set(sessionId, check);
    await check;
    if (this.#checks.get(sessionId) === check) this.#checks.delete(sessionId);
  }

  /** Notes existing streams again, and drops expired ones. */
  async #refresh(sessionId: string, noted: readonly NotedStream[]): Promise<(StreamInfo | null)[]> {
    const infos = await this.#statuses(sessionId, noted);
    const latest = this.#latestBegun(Date.now()); // a later one may be about to be created
    const gone = noted.filter(({ notedAt }, at) => infos[at] === null && notedAt <= latest);
    await this.options.calls.repair(() =>
      Promise.all(gone.map((stream) => this.#dropUnlessNoted(sessionId, stream))),
    );
    return infos;
  }

  async #statuses(sessionId: string, noted: readonly NotedStream[]) {
    const { getStatus } = this.options;
    const infos: (StreamInfo | null)[] = [];
    while (infos.length < noted.length) {
      const some = noted.slice(infos.length, infos.length + statusesAtOnce);
      const asked = some.map(({ messageId }) => getStatus({ sessionId, messageId }));
      infos.push(...(await Promise.all(asked)));
    }
    return infos;
  }

  /** Removes a stream by compare-and-set, as it may have been noted again since it was listed. */
  async #dropUnlessNoted(sessionId: string, { messageId, notedAt }: NotedStream): Promise<void> {
    this.#noted.delete(streamKey({ sessionId, messageId }));
    const { client } = this.options.calls;
    await client.compareAndSetScore(this.#keyOf(sessionId), messageId, String(notedAt), '');
  }
}

function isNotedSince(noted: NotedStream | undefined, newest: ListedStream | null): boolean {
  return newest === null || (noted !== undefined && noted.notedAt >= newest.info.createdAt);
}

/** The streams in a reply of pairs, which RESP3 nests and RESP2 flattens. */
function toNotedStreams(reply: readonly unknown[]): NotedStream[] {
  const flat = reply.flat();
  return flat.flatMap((messageId, index) =>
    index % 2 === 0 ? [{ messageId: String(messageId), notedAt: Number(flat[index + 1]) }] : [],
  );
}
