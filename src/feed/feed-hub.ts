import type { BaseLogger } from 'pino';
import { mayFollowEnd } from '../events/event.js';
import { fits, formatPosition, type Position, startOfStream } from '../events/position.js';
import { encodeId } from '../sse/frame.js';
import { type StreamId, streamKey } from '../store/stream-id.js';
import type { StreamManager } from '../store/stream-manager.js';
import { closeWithin, endInSteps } from './drain.js';
import type { FeedClient } from './feed-client.js';
import {
  type FeedObserver,
  type FeedRefusal,
  type FeedStart,
  unobserved,
} from './feed-observer.js';
import type { FeedFormat } from './formats/feed-format.js';
import { PageBudget } from './page-cache.js';
import { type ReaderOptions, StreamFollower } from './stream-follower.js';
import type { StreamLife } from './stream-life.js';
import { type FeedTotals, Subscriber, type SubscriberOptions } from './subscriber.js';
import { TimerWheel } from './timer-wheel.js';
import { inTurns, TurnQueue } from './turns.js';

export interface FeedOptions {
  readonly pollIntervalMs: number;
  readonly heartbeatMs: number;
  readonly lingerMs: number;
  readonly waitMs: number;
  readonly maxAgeMs: number;
  readonly maxFeeds: number;
  readonly maxFeedsPerStream: number;
  /** A feed whose socket takes nothing for this long is cut. */
  readonly stallMs?: number;
}

const defaultStallMs = 30_000;

export interface FeedRequest {
  readonly stream: StreamId;
  /** Where the client goes on; 'now' is the end of the stream, and 'unknown' an id that is none. */
  readonly from: Position | 'now' | 'unknown';
  /** Whether the client was told, by a reset, that the stream does not exist. */
  readonly knowsAbsence: boolean;
  readonly dialect: FeedFormat;
  /** What is sent before all else. */
  readonly preface: Buffer;
  /** How long a feed at the start waits for a stream that is not there; null for its whole life. */
  readonly startTimeoutMs: number | null;
  /** When the client is no longer allowed to read, on the clock of `performance.now()`. */
  readonly accessEndsAt: number;
}

/** What a request for a feed comes to. Whoever gets 'open' calls `start` or `cancel`, once. */
export type Opening =
  | { readonly kind: 'finished' }
  | { readonly kind: 'refused'; readonly reason: FeedRefusal }
  | {
      readonly kind: 'open';
      readonly start: (client: FeedClient, onClose: (feed: FeedTotals) => void) => void;
      readonly cancel: () => void;
    };

/** All feeds of this process, and the one reader for each stream that they follow. */
export class FeedHub {
  readonly #followed = new Map<string, StreamFollower>();
  readonly #subscribers = new Set<Subscriber>();
  readonly #readerOptions: ReaderOptions;
  readonly #subscriberOptions: SubscriberOptions;
  #beats: NodeJS.Timeout | null = null;
  #isBeating = false;
  /** Feeds that are being opened count against the limit too. */
  #openings = 0;
  #isDraining = false;

  constructor(
    readonly streams: StreamManager,
    readonly options: FeedOptions,
    readonly logger: BaseLogger,
    readonly observer: FeedObserver = unobserved,
  ) {
    const { pollIntervalMs, lingerMs } = options;
    const polls = new TimerWheel(pollIntervalMs);
    const pageBudget = new PageBudget();
    // Not those of the subscribers: what is new does not queue behind replays.
    const turns = new TurnQueue();
    this.#readerOptions = { streams, polls, turns, lingerMs, pageBudget, logger, observer };
    const stallMs = options.stallMs ?? defaultStallMs;
    const onClose: SubscriberOptions['onClose'] = (subscriber, { reason }) => {
      observer.closed(reason);
      this.#remove(subscriber);
    };
    const subscriberTurns = new TurnQueue();
    this.#subscriberOptions = {
      ...options,
      stallMs,
      turns: subscriberTurns,
      logger,
      observer,
      onClose,
    };
  }

  /** How many feeds are open, and how many streams they follow. */
  get counts(): { readonly feeds: number; readonly streams: number } {
    return { feeds: this.#subscribers.size, streams: this.#followed.size };
  }

  /** @throws ServiceError `backend_unavailable` */
  async open(request: FeedRequest): Promise<Opening> {
    const reason = this.refusal(request.stream);
    if (reason !== null) return { kind: 'refused', reason };
    const reader = this.#acquire(request.stream);
    this.#openings += 1;
    let isHanded = false;
    try {
      const life = await reader.learn();
      const position = placeOf(request.from, life);
      if (request.knowsAbsence && life.isAbsent) return { kind: 'finished' };
      if (await hasAll(reader, life, position)) return { kind: 'finished' };
      isHanded = true;
      return {
        kind: 'open',
        start: (client, onClose) => {
          this.#start(reader, request, life, client, onClose);
        },
        cancel: () => this.#cancel(reader),
      };
    } finally {
      if (!isHanded) this.#cancel(reader);
    }
  }

  /**
   * Why no feed is opened now, before the store is asked; null when one may be.
   *
   * @param stream when it is known already
   */
  refusal(stream?: StreamId): FeedRefusal | null {
    if (this.#isDraining) return 'draining';
    return this.#isFull(stream) ? 'too_many_feeds' : null;
  }

  /**
   * Ends every feed, so that its client goes on elsewhere, and opens no more. Resolves when all
   * sockets have taken the last bytes; those that have not `graceMs` after the last end are cut.
   *
   * @param spreadMs many feeds end one after another, within this time
   */
  async drain(graceMs: number, spreadMs = 0): Promise<void> {
    this.#isDraining = true;
    await endInSteps([...this.#subscribers], spreadMs);
    await closeWithin([...this.#subscribers], graceMs);
  }

  #isFull(stream: StreamId | undefined): boolean {
    const { maxFeeds, maxFeedsPerStream } = this.options;
    if (this.#subscribers.size + this.#openings >= maxFeeds) return true;
    if (stream === undefined) return false;
    return (this.#followed.get(streamKey(stream))?.users ?? 0) >= maxFeedsPerStream;
  }

  #start(
    reader: StreamFollower,
    request: FeedRequest,
    life: StreamLife,
    client: FeedClient,
    onClose: (feed: FeedTotals) => void,
  ): void {
    this.#openings -= 1;
    const { from, dialect, startTimeoutMs, accessEndsAt } = request;
    const position = placeOf(from, life);
    const reset = from === 'unknown' ? { reason: from, isAbsent: life.isAbsent } : null;
    const isAbsent = life.isAbsent && position.offset === 0;
    if (isAbsent) reader.awaitBeginning();
    const feed = { reader, position, reset, isAbsent, startTimeoutMs, dialect, accessEndsAt };
    const subscriber = new Subscriber(client, feed, this.#subscriberOptions, onClose);
    this.#add(subscriber);
    this.observer.opened(startOf(from, position));
    subscriber.start(() => firstBytes(request, position));
    if (this.#isDraining) subscriber.finish('draining');
  }

  #cancel(reader: StreamFollower): void {
    this.#openings -= 1;
    this.#release(reader);
  }

  #acquire(stream: StreamId): StreamFollower {
    const key = streamKey(stream);
    let reader = this.#followed.get(key);
    if (reader === undefined) {
      reader = new StreamFollower(stream, this.#readerOptions);
      this.#followed.set(key, reader);
    }
    reader.users += 1;
    return reader;
  }

  #release(reader: StreamFollower): void {
    reader.users -= 1;
    if (reader.users > 0) return;
    this.#followed.delete(streamKey(reader.stream));
    reader.close();
  }

  #add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
    this.#beats ??= setInterval(() => void this.#beat(), this.#beatMs);
  }

  #remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    this.#release(subscriber.feed.reader);
    if (this.#subscribers.size > 0 || this.#beats === null) return;
    clearInterval(this.#beats);
    this.#beats = null;
  }

  /** Often enough for each of the times that feeds are looked at for. */
  get #beatMs(): number {
    const { heartbeatMs, maxAgeMs, stallMs } = this.#subscriberOptions;
    return Math.min(heartbeatMs, maxAgeMs, stallMs) / 10;
  }

  async #beat(): Promise<void> {
    if (this.#isBeating) return;
    this.#isBeating = true;
    await inTurns(this.#subscribers, (one) => one.beat(performance.now()));
    this.#isBeating = false;
  }
}

function placeOf(from: FeedRequest['from'], life: StreamLife): Position {
  if (from === 'now') return life.end;
  return from === 'unknown' ? startOfStream : from;
}

function startOf(from: FeedRequest['from'], position: Position): FeedStart {
  if (from === 'now') return 'now';
  if (from === 'unknown') return 'resumed';
  return position.offset === 0 ? 'start' : 'resumed';
}

function firstBytes({ from, preface, dialect }: FeedRequest, { offset, tag }: Position): Buffer {
  const parts = [preface, dialect.preamble];
  if (from === 'now') parts.push(encodeId(formatPosition(offset, tag ?? 0)));
  return Buffer.concat(parts);
}

/**
 * Whether the stream is over and the client at this position has all of it. What another program has
 * pushed behind the end, unless it is a title, brings nobody back who was told that.
 */
async function hasAll(
  reader: StreamFollower,
  life: StreamLife,
  position: Position,
): Promise<boolean> {
  if (!life.isOver(performance.now()) || position.offset < life.endedOffset) return false;
  const page = await reader.read(position.offset);
  return fits(position, page.tag) && !page.events.some(mayFollowEnd);
}
