import { BoundedCache, maxRememberedStreams } from '../../bounded-cache.js';
import { type StreamLimits, sessionFull } from '../lifecycle.js';
import { type StreamId, streamKey } from '../stream-id.js';
import { maxListedStreams } from '../stream-manager.js';
import type { CommandClient } from './redis-client.js';
import { sessionKey } from './redis-keys.js';

export interface SessionIndexOptions {
  readonly client: CommandClient;
  readonly prefix: string;
  readonly limits: StreamLimits;
  /** Of a stream. */
  readonly ttlMs: number;
  /** Of how many streams this process remembers that they are noted. */
  readonly maxRemembered?: number;
}

/** How long after it was noted a stream may not have begun yet. Longer than `notedMs`. */
const beginningMs = 60_000;

/** For how long this process takes a stream for noted, at the most: others may have dropped it. */
const notedMs = 30_000;

/**
 * Which streams a session has, in a sorted set of a slot of its own: a hint, written before the
 * append, that may name streams that are gone. Scores are times by this process's clock.
 */
export class SessionIndex {
  /** The streams that need not be noted again yet. */
  readonly #noted: BoundedCache<true>;

  constructor(readonly options: SessionIndexOptions) {
    const { ttlMs, maxRemembered = maxRememberedStreams } = options;
    this.#noted = new BoundedCache(maxRemembered, Math.min(ttlMs / 4, notedMs));
  }

  /**
   * Notes a stream that is about to be appended to, and again while it lives, so that the set
   * outlives each stream in it.
   *
   * @throws ServiceError `session_full` when the stream is not in a set that is full
   */
  async admit(stream: StreamId): Promise<void> {
    const { limits } = this.options;
    if (!(await this.#write(stream, limits.maxSessionStreams))) throw sessionFull(limits);
  }

  /** Notes a stream that is there, whatever the limit. */
  async note(stream: StreamId): Promise<void> {
    await this.#write(stream, '');
  }

  /** The streams of a session, those noted last first, with the time of that. */
  async list(sessionId: string): Promise<NotedStream[]> {
    const set = sessionKey(this.options.prefix, sessionId);
    const last = maxListedStreams - 1;
    const flat = await this.options.client.zrevrange(set, 0, last, 'WITHSCORES');
    return toPairs(flat as unknown[]).map(([messageId, notedAt]) => ({
      messageId: String(messageId),
      notedAt: Number(notedAt),
    }));
  }

  /** Takes streams out that are gone, but for those that may just be about to begin. */
  async drop(sessionId: string, gone: readonly NotedStream[]): Promise<void> {
    const old = gone.filter(({ notedAt }) => notedAt < Date.now() - beginningMs);
    await Promise.all(old.map((stream) => this.#dropUnlessNoted(sessionId, stream)));
  }

  /** Takes a stream out that was deleted. */
  async remove({ sessionId, messageId }: StreamId): Promise<void> {
    this.#noted.delete(streamKey({ sessionId, messageId }));
    await this.options.client.zrem(sessionKey(this.options.prefix, sessionId), messageId);
  }

  /** @returns whether the stream is noted */
  async #write({ sessionId, messageId }: StreamId, most: number | ''): Promise<boolean> {
    const { client, prefix, ttlMs } = this.options;
    const key = streamKey({ sessionId, messageId });
    if (this.#noted.get(key)) return true;
    const set = sessionKey(prefix, sessionId);
    const keptMs = Math.ceil(ttlMs * 1.5);
    if ((await client.noteStream(set, messageId, Date.now(), keptMs, most)) === 0) return false;
    this.#noted.set(key, true);
    return true;
  }

  /** Somebody may have noted it since it was listed. */
  async #dropUnlessNoted(sessionId: string, { messageId, notedAt }: NotedStream): Promise<void> {
    this.#noted.delete(streamKey({ sessionId, messageId }));
    const set = sessionKey(this.options.prefix, sessionId);
    await this.options.client.settleMember(set, messageId, String(notedAt), '');
  }
}

export interface NotedStream {
  readonly messageId: string;
  readonly notedAt: number;
}

/** Pairs as they are, with RESP3, or one after another, as with RESP2. */
function toPairs(reply: readonly unknown[]): (readonly unknown[])[] {
  if (reply.every(Array.isArray)) return reply as unknown[][];
  return reply.flatMap((item, index) => (index % 2 === 0 ? [[item, reply[index + 1]]] : []));
}
