import type { BaseLogger } from 'pino';
import { toLogFields } from '../errors.js';
import { matches, type Position, startOfStream } from '../events/position.js';
import { Chunk } from '../sse/frame.js';
import type { FeedConnection, FeedConnectionListener } from './feed-connection.js';
import type { FeedEnd, FeedObserver } from './feed-observer.js';
import { type FeedFormat, jitter } from './formats/feed-format.js';
import type { EncodedPage } from './pages.js';
import type { ParkedSubscriber } from './parked-subscribers.js';
import type { TurnQueue, TurnTaker } from './scheduler.js';
import type { Reset, StreamFollower } from './stream-follower.js';

/** The feed of one client. */
export interface FollowedFeed {
  readonly follower: StreamFollower;
  /** Where the feed begins. */
  readonly position: Position;
  /** The reset to send first, to a client with an invalid id. */
  readonly reset: Reset | null;
  /** Whether the feed is at the start of a stream that does not exist. */
  readonly isAbsent: boolean;
  /** How long a feed at the start waits for a stream that does not exist, in milliseconds; null for its max age. */
  readonly startTimeoutMs: number | null;
  readonly format: FeedFormat;
  /** When the client is no longer allowed to read, on the clock of `performance.now()`. */
  readonly accessEndsAt: number;
}

/** The totals of one feed, for the log. */
export interface FeedTotals {
  readonly reason: FeedEnd;
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly durationMs: number;
}

/** The options that all subscribers of a process share. */
export interface SubscriberOptions {
  /** How long a feed waits, after a reset, for a stream that does not exist. */
  readonly waitMs: number;
  /** A heartbeat is sent before a feed is silent for this long, so that a dead connection is detected. */
  readonly heartbeatMs: number;
  /** Max age of a feed, give or take some jitter; then its client resumes in another one. */
  readonly maxAgeMs: number;
  /** Write timeout: a socket that takes no byte for this long, although there are some, is cut. */
  readonly stallMs: number;
  /** The turns of all feeds of the process. */
  readonly turns: TurnQueue;
  readonly logger: BaseLogger;
  readonly observer: FeedObserver;
  /** Called when a response has closed, complete or not. */
  readonly onClose: (subscriber: Subscriber, totals: FeedTotals) => void;
}

/** A page that was read, to be written in a later turn. */
interface ReadPage {
  readonly page: EncodedPage;
  /** Set when the page belongs to another stream than the client saw. */
  readonly reset: Reset | null;
}

/** Max bytes of a stream written to one client in one turn of the event loop, plus the page that exceeds it. */
const maxBurstBytes = 256 * 1024;

/**
 * The share of the interval after which a heartbeat is due: 0.6 to 0.85. It is random, so that feeds that got
 * the same event do not send it together, and low enough for a beat, which comes ten times in the interval.
 */
const heartbeatDue = () => 0.6 + 0.25 * Math.random();

/** Jitter of the max age, as a share, for feeds that were opened together. */
const ageJitter = 0.1;

/**
 * The feed of one client: a position and a socket. It writes from its position until the socket
 * is full, and continues when the socket drains; nothing is queued for it elsewhere (backpressure).
 */
export class Subscriber implements ParkedSubscriber, TurnTaker, FeedConnectionListener {
  #position: Position;
  readonly #startedAt = performance.now();
  /** Time without a write after which a heartbeat is due. */
  readonly #silenceMs: number;
  readonly #endsAt: number;
  /** The reason for the end at `#endsAt`. */
  readonly #endsBy: FeedEnd;
  /** Whether a read is running, or the subscriber waits for its turn. */
  #isBusy = false;
  #readPage: ReadPage | null = null;
  /** The reason for the end, set once nothing more will be written. */
  #end: FeedEnd | null = null;
  /** Whether the client was told that it has all stored events. */
  #isUpToDate = false;
  #absenceTimer: NodeJS.Timeout | undefined;
  /** The neighbours in the list of parked subscribers. */
  previous: ParkedSubscriber | null = null;
  next: ParkedSubscriber | null = null;
  place = 0;

  /** @param onClosed called last, when the response has closed */
  constructor(
    readonly client: FeedConnection,
    readonly feed: FollowedFeed,
    readonly options: SubscriberOptions,
    readonly onClosed: (totals: FeedTotals) => void,
  ) {
    this.#position = feed.position;
    this.#silenceMs = options.heartbeatMs * heartbeatDue();
    const oldAt = this.#startedAt + jitter(options.maxAgeMs, ageJitter);
    this.#endsAt = Math.min(oldAt, feed.accessEndsAt);
    this.#endsBy = oldAt < feed.accessEndsAt ? 'max_age' : 'token_expired';
  }

  get position(): Position {
    return this.#position;
  }

  /**
   * @param firstBytes returns the first bytes, which are sent at once
   * @param firstPage the running read of the page at the position; null if the follower has the page
   */
  start(firstBytes: () => Buffer, firstPage: Promise<EncodedPage> | null): void {
    this.client.listen(this, this.options.stallMs);
    if (this.#end !== null) return; // the client has left already
    const { reset, isAbsent } = this.feed;
    try {
      this.client.write(Chunk.of(firstBytes()));
      if (reset !== null) this.#reset(reset);
      else if (isAbsent) this.#noteAbsence();
    } catch (error) {
      this.#fail(error);
    }
    if (firstPage !== null && this.#end === null) void this.#read(firstPage);
    this.resume();
  }

  /** Continues when there may be more at the position, or room in the socket. */
  resume(): void {
    if (this.#isBusy || this.#end !== null) return;
    try {
      this.#writeUntilFull();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Continues with the page that was read, or where the last turn had no more room. */
  takeTurn(): void {
    this.#isBusy = false;
    this.resume();
  }

  /** Ends the response: the client has everything, or reconnects for the rest. */
  finish(end: FeedEnd): void {
    if (this.#end !== null) return;
    const { format } = this.feed;
    this.#stop(end);
    try {
      this.client.write(format.farewell(end));
      this.client.end(format.isComplete(end));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** To be called regularly: sends the heartbeat, and ends the feed at its max age. */
  beat(now: number): void {
    const { client } = this;
    try {
      if (this.#end !== null || client.isFull) {
        // Bytes that a client sends keep its socket from timing out, whether it reads or not.
        if (now >= this.#endsAt + this.options.stallMs) this.onStall();
      } else if (now >= this.#endsAt) this.finish(this.#endsBy);
      else if (now - client.lastWriteAt >= this.#silenceMs)
        client.write(this.feed.format.heartbeat);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Continues after a drain. The socket of a slow client may be full at every beat, so its age is checked
   * here too. */
  onDrain(): void {
    if (performance.now() >= this.#endsAt) this.finish(this.#endsBy);
    else this.resume();
  }

  /**
   * A client that has closed its sending side has most likely left, and only a write can tell it from one
   * that still reads. So it gets all stored events, and does not wait for new ones.
   */
  onHalfClose(): void {
    this.resume();
  }

  onStall(): void {
    this.#stop('slow');
    this.client.cut();
  }

  onClose(): void {
    const reason = this.#end ?? 'left';
    this.#stop(reason);
    const totals = {
      reason,
      fromOffset: this.feed.position.offset,
      toOffset: this.#position.offset,
      durationMs: Math.round(performance.now() - this.#startedAt),
    };
    this.options.onClose(this, totals);
    this.onClosed(totals);
  }

  /**
   * The loop of one client: writes the page that was read, and page after page until the socket is full, a
   * page has to be read, the turn is over, or the client has everything.
   */
  #writeUntilFull(): void {
    const { follower, format } = this.feed;
    let writtenBytes = this.#writeRead();
    while (!this.#isBusy && this.#end === null && !this.client.isFull) {
      const page = follower.peek(this.#position, format.prefersLongPages);
      if (page === undefined) void this.#read(follower.read(this.#position.offset));
      else if (page.isEmpty) {
        this.#park(page);
        return;
      } else if (writtenBytes >= maxBurstBytes) this.#continueLater();
      else writtenBytes += this.#writePage(page);
    }
  }

  /** Parks at the end of the stream, or ends the feed if nothing will follow. */
  #park(end: EncodedPage): void {
    const { follower } = this.feed;
    this.#position = end.next; // with its tag, which a bare offset lacks
    this.#noteUpToDate();
    if (follower.isOver()) this.finish('ended');
    else if (this.client.socket.readableEnded) this.finish('left');
    else follower.park(this);
  }

  /** Awaits a page, which is written in a later turn. */
  async #read(reading: Promise<EncodedPage>): Promise<void> {
    const { follower } = this.feed;
    this.#isBusy = true;
    try {
      const page = await reading;
      if (this.#end !== null) return;
      const isExpected = matches(this.#position, page.tag);
      const reset = isExpected ? null : await follower.findReset(page);
      if (this.#end !== null) return;
      this.#readPage = { page, reset };
    } catch (error) {
      follower.logFailure(error);
      this.#isBusy = false;
      if (this.#end === null) follower.park(this);
      return;
    }
    // A later turn, since many may share the read, and a long replay must not starve the others.
    this.#continueLater();
  }

  #continueLater(): void {
    this.#isBusy = true;
    this.options.turns.push(this);
  }

  /** Returns the size of the events as stored. */
  #writeRead(): number {
    const read = this.#readPage;
    if (read === null) return 0;
    this.#readPage = null;
    if (read.reset === null) return this.#writePage(read.page);
    this.#reset(read.reset);
    return 0;
  }

  /** Returns the size of the events as stored, which take time even if the format writes few bytes. */
  #writePage(page: EncodedPage): number {
    const { format } = this.feed;
    // Encoded first, since it may throw: the position must not pass events that were not written.
    const frames = page.isEmpty ? null : format.encode(page);
    this.#position = page.next;
    if (page.isEmpty) return 0;
    clearTimeout(this.#absenceTimer);
    this.client.write(frames);
    this.options.observer.delivered(page.events.length, frames?.bytes.length ?? 0);
    if (format.isOver) this.finish('ended');
    return page.storedBytes;
  }

  #noteUpToDate(): void {
    if (this.#isUpToDate || this.#position.offset === 0) return;
    this.#isUpToDate = true;
    this.client.write(this.feed.format.upToDate(this.#position));
  }

  #noteAbsence(): void {
    this.client.write(this.feed.format.notFound());
    const { startTimeoutMs } = this.feed;
    if (startTimeoutMs !== null) this.#endAfter(startTimeoutMs, 'not_started');
  }

  /** Tells the client that the stream is not the one it saw, and continues from its start. */
  #reset({ reason, isAbsent }: Reset): void {
    this.options.observer.reset(reason);
    const frame = this.feed.format.reset(reason, isAbsent);
    if (frame === null) {
      this.finish('reset');
      return;
    }
    this.client.write(frame);
    this.#position = startOfStream;
    this.#isUpToDate = false;
    const { waitMs } = this.options;
    if (isAbsent) this.#endAfter(Math.min(waitMs, this.feed.startTimeoutMs ?? waitMs), 'absent');
  }

  /** Ends the feed, unless an event arrives before. */
  #endAfter(ms: number, end: FeedEnd): void {
    clearTimeout(this.#absenceTimer);
    this.#absenceTimer = setTimeout(() => this.finish(end), ms);
  }

  /** Marks the feed as ended: nothing is written from here on. */
  #stop(end: FeedEnd): void {
    this.#end = end;
    this.#readPage = null;
    clearTimeout(this.#absenceTimer);
    this.feed.follower.leave(this);
  }

  /**
   * Ends this feed alone after an error of its format or socket. In a callback of a socket or a timer, the
   * error would end the process; in a loop, it would affect the feeds behind.
   */
  #fail(error: unknown): void {
    const { logger } = this.options;
    logger.error({ ...this.feed.follower.stream, ...toLogFields(error) }, 'A feed failed');
    if (this.#end === null) this.#stop('failed');
    this.client.cut();
  }
}
