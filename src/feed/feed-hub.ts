import { setTimeout as sleep } from 'node:timers/promises';
import type { BaseLogger } from 'pino';
import { mayFollowEnd } from '../events/event.js';
import { formatPosition, matches, type Position, startOfStream } from '../events/position.js';
import { encodeId } from '../sse/frame.js';
import { type LogId, logKey, type StreamManager } from '../store/stream-manager.js';
import { EndChecks } from './end-checks.js';
import type { FeedConnection } from './feed-connection.js';
import type { FeedObserver, FeedRejection, FeedStart } from './feed-observer.js';
import type { EncodedPage } from './pages.js';
import { PollTimer } from './poll-timer.js';
import { DeliveryQueue, inBatches, inTurns, TurnQueue } from './scheduler.js';
import { type FollowerOptions, StreamFollower } from './stream-follower.js';
import type { StreamSnapshot } from './stream-state.js';
import {
  type FeedTotals,
  type FollowedFeed,
  Subscriber,
  type SubscriberOptions,
} from './subscriber.js';

export interface FeedOptions
  extends Pick<SubscriberOptions, 'heartbeatMs' | 'waitMs' | 'maxAgeMs'> {
  readonly pollIntervalMs: number;
  readonly lingerMs: number;
  readonly maxFeeds: number;
  readonly maxFeedsPerStream: number;
  /** Write timeout: a feed whose socket takes no byte for this long is cut. */
  readonly stallMs?: number;
}

const defaultStallMs = 30_000;

export interface FeedRequest
  extends Pick<FollowedFeed, 'startTimeoutMs' | 'format' | 'accessEndsAt'> {
  readonly stream: LogId;
  /** Where the client resumes; 'now' is the end of the stream, 'unknown' stands for an invalid id. */
  readonly from: Position | 'now' | 'unknown';
  /** Whether the client was told, by a reset, that the stream does not exist. */
  readonly knowsAbsence: boolean;
  /** Bytes to send before anything else. */
  readonly preface: Buffer;
}

/** The result of a request for a feed. A caller that gets 'open' calls `start` or `cancel`, once. */
export type Opening =
  | { readonly kind: 'finished' }
  | { readonly kind: 'rejected'; readonly reason: FeedRejection }
  | {
      readonly kind: 'open';
      readonly start: (client: FeedConnection, onClose: (feed: FeedTotals) => void) => void;
      readonly cancel: () => void;
    };

/** All feeds of this process, and the one follower of each followed stream. */
export class FeedHub {
  readonly #followers = new Map<string, StreamFollower>();
  readonly #subscribers = new Set<Subscriber>();
  readonly #followerOptions: FollowerOptions;
  readonly #subscriberOptions: SubscriberOptions;
  #beats: NodeJS.Timeout | null = null;
  #isBeating = false;
  /** Number of feeds that are being opened, which count against the limit too. */
  #openings = 0;
  #isDraining = false;
  /** Called when the last feed has closed. */
  #onEmpty: (() => void)[] = [];

  constructor(
    readonly streams: StreamManager,
    readonly options: FeedOptions,
    readonly logger: BaseLogger,
    readonly observer: FeedObserver,
  ) {
    const { pollIntervalMs, lingerMs, stallMs = defaultStallMs } = options;
    this.#followerOptions = {
      streams,
      pollTimer: new PollTimer(pollIntervalMs),
      // A queue apart from that of the subscribers, so that new events do not queue behind replays.
      turns: new TurnQueue(),
      deliveries: new DeliveryQueue(),
      endChecks: new EndChecks(streams, observer),
      lingerMs,
      pageBudget: { bytes: 0 },
      logger,
      observer,
    };
    const onClose = (subscriber: Subscriber, { reason }: FeedTotals) => {
      observer.closed(reason);
      this.#remove(subscriber);
    };
    const turns = new TurnQueue();
    this.#subscriberOptions = { ...options, stallMs, turns, logger, observer, onClose };
  }

  /** Number of open feeds, and of the streams that they follow. */
  get counts(): { readonly feeds: number; readonly streams: number } {
    return { feeds: this.#subscribers.size, streams: this.#followers.size };
  }

  /** @throws ServiceError `backend_unavailable` */
  async open(request: FeedRequest): Promise<Opening> {
    const { stream, from, knowsAbsence, format } = request;
    const reason = this.rejection(stream);
    if (reason !== null) return { kind: 'rejected', reason };
    const follower = this.#acquire(stream);
    this.#openings += 1;
    let isHanded = false;
    try {
      const { status, page } = follower.open(knownPosition(from), format.prefersLongPages);
      const snapshot = await status;
      const position = knownPosition(from) ?? snapshot.end;
      if (knowsAbsence && snapshot.isAbsent) return { kind: 'finished' };
      if (mayHaveAll(snapshot, position)) {
        const rest = await (page ?? follower.read(position.offset));
        if (isRead(rest, position)) return { kind: 'finished' };
      }
      isHanded = true;
      const { isAbsent } = snapshot;
      return {
        kind: 'open',
        start: (client, onClose) => {
          const feed = feedOf(request, follower, position, isAbsent);
          const subscriber = new Subscriber(client, feed, this.#subscriberOptions, onClose);
          this.#start(subscriber, request, page);
        },
        cancel: () => this.#cancel(follower),
      };
    } finally {
      if (!isHanded) this.#cancel(follower);
    }
  }

  /**
   * The reason why no feed can be opened now, as far as it is known without the store; null if one can.
   *
   * @param stream the stream, if it is known already
   */
  rejection(stream?: LogId): FeedRejection | null {
    if (this.#isDraining) return 'draining';
    return this.#isFull(stream) ? 'too_many_feeds' : null;
  }

  /**
   * Ends every feed, so that its client resumes at another node, and opens no more. Resolves when all
   * sockets have taken the last bytes; those that have not are cut `graceMs` after the last end.
   *
   * @param spreadMs time over which the batches are spread
   */
  async drain(graceMs: number, spreadMs = 0): Promise<void> {
    this.#isDraining = true;
    await inBatches([...this.#subscribers], spreadMs, (one) => one.finish('draining'));
    await this.#whenEmpty(graceMs);
    await inTurns(this.#subscribers, (one) => one.client.cut());
  }

  #isFull(stream: LogId | undefined): boolean {
    const { maxFeeds, maxFeedsPerStream } = this.options;
    if (this.#subscribers.size + this.#openings >= maxFeeds) return true;
    if (stream === undefined) return false;
    return (this.#followers.get(logKey(stream))?.users ?? 0) >= maxFeedsPerStream;
  }

  #start(
    subscriber: Subscriber,
    request: FeedRequest,
    firstPage: Promise<EncodedPage> | null,
  ): void {
    const { follower, position, isAbsent } = subscriber.feed;
    this.#openings -= 1;
    this.#subscribers.add(subscriber);
    this.#beats ??= setInterval(() => void this.#beat(), this.#beatMs);
    if (isAbsent) follower.awaitFirstEvent();
    this.observer.opened(startOf(request.from, position));
    subscriber.start(() => firstBytes(request, position), firstPage);
    if (this.#isDraining) subscriber.finish('draining');
  }

  #cancel(follower: StreamFollower): void {
    this.#openings -= 1;
    this.#release(follower);
  }

  #acquire(stream: LogId): StreamFollower {
    const key = logKey(stream);
    let follower = this.#followers.get(key);
    if (follower === undefined) {
      follower = new StreamFollower(stream, this.#followerOptions);
      this.#followers.set(key, follower);
    }
    follower.users += 1;
    return follower;
  }

  #release(follower: StreamFollower): void {
    follower.users -= 1;
    if (follower.users > 0) return;
    this.#followers.delete(logKey(follower.stream));
    follower.close();
  }

  #remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    this.#release(subscriber.feed.follower);
    if (this.#subscribers.size > 0) return;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
    if (this.#beats !== null) clearInterval(this.#beats);
    this.#beats = null;
  }

  /** Resolves when all feeds have closed, or after `graceMs`. */
  async #whenEmpty(graceMs: number): Promise<void> {
    if (this.#subscribers.size === 0) return;
    const empty = new Promise<void>((resolve) => this.#onEmpty.push(resolve));
    await Promise.race([empty, sleep(graceMs, undefined, { ref: false })]);
  }

  /** Interval of the checks of feeds, a fraction of both times that they compare with. */
  get #beatMs(): number {
    return Math.min(this.options.heartbeatMs, this.options.maxAgeMs) / 10;
  }

  async #beat(): Promise<void> {
    if (this.#isBeating) return;
    this.#isBeating = true;
    await inTurns(this.#subscribers, (one) => one.beat(performance.now()));
    this.#isBeating = false;
  }
}

/** Where a client resumes; null if that depends on the status of the stream. */
function knownPosition(from: FeedRequest['from']): Position | null {
  if (from === 'now') return null;
  return from === 'unknown' ? startOfStream : from;
}

/** The feed, without its first page, which one that may be open for long must not keep. */
function feedOf(
  { from, format, startTimeoutMs, accessEndsAt }: FeedRequest,
  follower: StreamFollower,
  position: Position,
  isStreamAbsent: boolean,
): FollowedFeed {
  const reset = from === 'unknown' ? { reason: from, isAbsent: isStreamAbsent } : null;
  const isAbsent = isStreamAbsent && position.offset === 0;
  return { follower, position, reset, isAbsent, format, startTimeoutMs, accessEndsAt };
}

function startOf(from: FeedRequest['from'], position: Position): FeedStart {
  if (from === 'now') return 'now';
  if (from === 'unknown') return 'resumed';
  return position.offset === 0 ? 'start' : 'resumed';
}

function firstBytes({ from, preface, format }: FeedRequest, { offset, tag }: Position): Buffer {
  const parts = [preface, format.preamble];
  if (from === 'now') parts.push(encodeId(formatPosition(offset, tag ?? 0)));
  return Buffer.concat(parts);
}

/** Whether the stream is over and a client at this position has its end. */
function mayHaveAll(snapshot: StreamSnapshot, position: Position): boolean {
  return snapshot.isOver(performance.now()) && position.offset >= snapshot.endedOffset;
}

/**
 * Whether a client at this position, after the end, has everything, given the page there. Elements that
 * another program pushed after the end, other than titles, are not delivered to a client that has the
 * end.
 */
function isRead(page: EncodedPage, position: Position): boolean {
  return matches(position, page.tag) && !page.events.some(mayFollowEnd);
}
