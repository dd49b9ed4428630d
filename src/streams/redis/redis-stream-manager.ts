import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { ServiceError } from '../../errors.js';
import {
  type AppendPlan,
  type Ending,
  planAppend,
  type StreamLimits,
  streamEnded,
  streamFull,
  titleGraceMs,
} from '../lifecycle.js';
import { decodeStoredEvent, type StoredEvent } from '../stream-event.js';
import type { StreamId } from '../stream-id.js';
import type { Appended, EventPage, StreamInfo, StreamManager } from '../stream-manager.js';
import { lookThrough, nothingSeen, type Seen } from './look-through.js';
import { emptyPage, type ReadRange, readPage } from './page-reader.js';
import {
  type CommandClient,
  createCommandClient,
  createSubscriberClient,
  isConnected,
} from './redis-client.js';
import { isWrongType, notConnected, toServiceError } from './redis-errors.js';
import { type RedisKeys, redisKeys } from './redis-keys.js';
import type { RedisOptions } from './redis-options.js';
import { RedisWakeUps } from './redis-wake-ups.js';

export interface RedisStreamManagerOptions {
  /** A stream is forgotten this long after its last append. */
  readonly ttlMs: number;
  readonly limits: StreamLimits;
  readonly redis: RedisOptions;
  readonly logger: BaseLogger;
}

/**
 * Each call takes in a page of what another program pushed; this many are enough for the longest
 * list there may be.
 */
const maxScriptCalls = 1000;

type Reply = readonly [Buffer, ...(number | Buffer)[]];

/**
 * Streams in Redis Lists, shared by any number of nodes and with other programs that push into
 * the same lists.
 */
export class RedisStreamManager implements StreamManager {
  readonly #client: CommandClient;
  readonly #subscriber: Redis;
  readonly #wakeUps: RedisWakeUps;

  constructor(readonly options: RedisStreamManagerOptions) {
    const { redis, logger } = options;
    this.#client = createCommandClient(redis, logger);
    this.#subscriber = createSubscriberClient(redis, logger, this.#client);
    this.#wakeUps = new RedisWakeUps(this.#subscriber, redis.prefix, logger);
  }

  /** How many channels this process is subscribed to. */
  get watchedStreams(): number {
    return this.#wakeUps.channelCount;
  }

  async appendEvents(id: StreamId, events: readonly StoredEvent[]): Promise<Appended> {
    const plan = planAppend(events);
    const { list, state, channel } = this.#keysOf(id);
    const args = [channel, ...this.#limitArguments(plan), ...events.map((event) => event.bytes)];
    const reply = await this.#runScript(list, (seen) =>
      this.#client.appendEventsBuffer(list, state, ...seen, ...args),
    );
    const [outcome, detail] = reply as Reply;
    switch (outcome.toString()) {
      case 'ok': {
        const offset = detail as number;
        return { offset, nextOffset: offset + events.length };
      }
      case 'ended':
        throw streamEnded(String(detail));
      case 'full':
        throw streamFull(this.options.limits);
      default:
        throw new Error(`unknown answer of the append script: ${outcome}`);
    }
  }

  async getEvents(id: StreamId, fromOffset: number, limit: number): Promise<EventPage> {
    const { list } = this.#keysOf(id);
    try {
      return await readPage(this.#rangeOf(list), fromOffset, limit);
    } catch (error) {
      if (isWrongType(error)) return emptyPage(fromOffset);
      throw asServiceError(error);
    }
  }

  async getStatus(id: StreamId): Promise<StreamInfo | null> {
    const { list, state } = this.#keysOf(id);
    const reply = await this.#runScript(list, (seen) =>
      this.#client.streamStatusBuffer(list, state, ...seen).catch(nullIfWrongType),
    );
    return reply === null ? null : toStreamInfo(reply);
  }

  watch(id: StreamId, onWake: () => void): () => void {
    return this.#wakeUps.watchers.add(id, onWake);
  }

  async ping(): Promise<void> {
    this.#requireConnection();
    await this.#client.ping().catch((error) => {
      throw toServiceError(error);
    });
  }

  async close(): Promise<void> {
    this.#wakeUps.watchers.clear();
    this.#subscriber.disconnect();
    this.#client.disconnect();
  }

  #keysOf(id: StreamId): RedisKeys {
    return redisKeys(this.options.redis.prefix, id);
  }

  #limitArguments(plan: AppendPlan): (string | number)[] {
    const { ttlMs, limits } = this.options;
    return [
      ttlMs,
      limits.maxStreamEvents,
      limits.maxStreamBytes,
      plan.countedEvents,
      plan.countedBytes,
      plan.mayFollowEnd ? '1' : '0',
      titleGraceMs,
      plan.ending ?? '',
    ];
  }

  /** Calls a script until it has seen all of the list. */
  async #runScript(list: string, call: (seen: Seen) => Promise<unknown>): Promise<Reply | null> {
    let seen = nothingSeen;
    try {
      for (let calls = 0; calls < maxScriptCalls; calls += 1) {
        this.#requireConnection();
        const reply = (await call(seen)) as Reply | null;
        if (reply?.[0].toString() !== 'unseen') return reply;
        seen = await lookThrough(this.#rangeOf(list), reply[1] as number);
      }
    } catch (error) {
      throw asServiceError(error);
    }
    const message = 'another program pushes faster than its events can be read';
    throw new ServiceError('backend_unavailable', message, { stored: 0 });
  }

  #rangeOf(list: string): ReadRange {
    return async (first, last) => {
      this.#requireConnection();
      return this.#client.lrangeBuffer(list, first, last);
    };
  }

  /** Without a connection nothing is sent, and the caller may know that nothing was done. */
  #requireConnection(): void {
    if (!isConnected(this.#client)) throw notConnected();
  }
}

function asServiceError(error: unknown): ServiceError {
  return error instanceof ServiceError ? error : toServiceError(error);
}

function nullIfWrongType(error: unknown): null {
  if (isWrongType(error)) return null;
  throw error;
}

function toStreamInfo(reply: Reply): StreamInfo {
  const [, length, last, status, endedForMs, createdAt, updatedAt, ttlMs, now] = reply as [
    Buffer,
    number,
    Buffer,
    Buffer,
    number,
    number,
    number,
    number,
    number,
  ];
  const ending = status.toString() as Ending | '';
  return {
    nextOffset: length,
    lastEvent: decodeStoredEvent(last),
    status: ending === '' ? 'open' : ending,
    endedForMs: ending === '' ? null : endedForMs,
    createdAt,
    updatedAt,
    expiresAt: ttlMs < 0 ? null : now + ttlMs,
  };
}
