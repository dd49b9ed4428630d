import type { BaseLogger } from 'pino';
import { toLogFields } from '../errors.js';
import { matches, type Position, startOfStream } from '../events/position.js';
import { Chunk } from '../sse/chunk.js';
import type { EncodedPage } from './encoded-page.js';
import { breakOff, type FeedClient, write } from './feed-client.js';
import type { FeedEnd, FeedObserver } from './feed-observer.js';
import { type FeedFormat, jitter } from './formats/feed-format.js';
import type { ParkedSubscriber } from './parked-subscribers.js';
import type { Reset, StreamFollower } from './stream-follower.js';
import type { TurnQueue, TurnTaker } from './turns.js';

/** The feed of one client. */
export interface FollowedFeed {
  readonly follower: StreamFollower;
  /** Where the feed begins. */
  readonly position: Position;
  /** The reset to send first, to a client with an invalid id. */
  readonly reset: Reset | null;
  /** Whether the feed is at the start of a stream that does not exist. */
  readonly isAbsent: boolean;
  /** How long the feed waits for that stream, in milliseconds; null for its max age. */
  readonly startTimeoutMs: number | null;
  readonly format: FeedFormat;
  /** When the access of the client ends, and with it the feed. */
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
 * The share of the interval after which a heartbeat is due. It is random, so that feeds that got the same
 * event do not send it together, and low enough for a beat, which comes ten times in the interval.
 */
const heartbeatDue = { from: 0.6, to: 0.85 };

/** Jitter of the max age, as a share, for feeds that were opened together. */
const ageJitter = 0.1;

/**
 * One client of a stream: a position and a socket. It writes from its position until the socket
 * is full, and continues when the socket drains; nothing is queued for it elsewhere (backpressure).
 */
export class Subscriber implements ParkedSubscriber, TurnTaker {
  #position: Position;
  readonly #startedAt = performance.now();
  #lastWriteAt = this.#startedAt;
  /** Time without a write after which a heartbeat is due. */
  readonly #silenceMs: number;
  readonly #endsAt: number;
  /** The reason for the end at `#endsAt`. */
  readonly #endsBy: FeedEnd;
  #awaitsDrain = false;
  /** Whether a read is running, or the subscriber waits for its turn. */
  #isBusy = false;
  #readPage: ReadPage | null = null;
  /** The reason for the end, set once nothing more will be written. */
  #end: FeedEnd | null = null;
  #isClosed = false;
  /** Whether the client was told that it has all stored events. */
  #isUpToDate = false;
  #absenceTimer: NodeJS.Timeout | undefined;
  /** The neighbours in the list of parked subscribers. */
  previous: ParkedSubscriber | null = null;
  next: ParkedSubscriber | null = null;
  place = 0;

  /** @param onClose called last, when the response has closed */
  constructor(
    readonly client: FeedClient,
    readonly feed: FollowedFeed,
    readonly options: SubscriberOptions,
    readonly onClose: (totals: FeedTotals) => void,
  ) {
    this.#position = feed.position;
    this.#silenceMs = options.heartbeatMs * between(heartbeatDue);
    const oldAt = this.#startedAt + jitter(options.maxAgeMs, ageJitter);
    this.#endsAt = Math.min(oldAt, feed.accessEndsAt);
    this.#endsBy = oldAt < feed.accessEndsAt ? 'max_age' : 'token_expired';
    client.response.on('close', this.#onClose);
    client.socket.on('end', this.#onEnd).setTimeout(0);
  }

  get position(): Position {
    return this.#position;
  }

  /**
   * @param firstBytes returns the first bytes, which are sent at once
   * @param firstPage the running read of the page at the position; null if the follower has the page
   */
  start(firstBytes: () => Buffer, firstPage: Promise<EncodedPage> | null): void {
    // If the client left while the stream was read, 'close' was emitted before there was a listener.
    if (this.client.socket.destroyed) {
      this.#onClose();
      return;
    }
    const { reset, isAbsent } = this.feed;
    try {
      this.#write(Chunk.of(firstBytes()));
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
    try {
      this.#writeUntilFull();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Continues with the page that was read, or where the last turn had no more room. */
  takeTurn(): void {
    const read = this.#readPage;
    this.#readPage = null;
    this.#isBusy = false;
    if (this.#end !== null) return;
    try {
      this.#writeUntilFull(read === null ? 0 : this.#writeRead(read));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Ends the response: the client has everything, or reconnects for the rest. */
  finish(end: FeedEnd): void {
    if (this.#end !== null) return;
    const { format } = this.feed;
    this.#stop(end);
    try {
      this.#write(format.farewell(end));
      this.#limitStall();
      if (format.isComplete(end)) this.client.response.end();
      else breakOff(this.client);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** To be called regularly: sends the heartbeat, and ends the feed at its max age. */
  beat(now: number): void {
    try {
      if (this.#end !== null || this.client.socket.writableNeedDrain) this.#limitAge(now);
      else if (now >= this.#endsAt) this.finish(this.#endsBy);
      else if (now - this.#lastWriteAt >= this.#silenceMs) this.#write(this.feed.format.heartbeat);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Bytes that a client sends keep its socket from timing out, whether it reads or not. */
  #limitAge(now: number): void {
    if (now >= this.#endsAt + this.options.stallMs) this.#onTimeout();
  }

  /** Drops the connection with all unsent bytes; after a complete response, it stays for the next request. */
  cut(): void {
    if (this.#isClosed) return;
    this.client.response.destroy();
    this.client.socket.destroy();
  }

  /**
   * The loop of one client: writes page after page, until the socket is full, a page has to be read,
   * the turn is over, or the client has everything.
   *
   * @param burstBytes bytes of the stream written in this turn already
   */
  #writeUntilFull(burstBytes = 0): void {
    const { follower, format } = this.feed;
    const { socket } = this.client;
    let writtenBytes = burstBytes;
    while (!this.#isBusy && this.#end === null && !socket.writableNeedDrain) {
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
      this.#readPage = { page, reset: isExpected ? null : await follower.findReset(page) };
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
  #writeRead({ page, reset }: ReadPage): number {
    if (reset === null) return this.#writePage(page);
    this.#reset(reset);
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
    this.#write(frames);
    this.options.observer.delivered(page.events.length, frames?.bytes.length ?? 0);
    if (format.isOver) this.finish('ended');
    return page.storedBytes;
  }

  #write(chunk: Chunk | null): void {
    if (chunk === null) return;
    this.#lastWriteAt = performance.now();
    if (write(this.client, chunk) || this.#awaitsDrain) return;
    this.#awaitsDrain = true;
    this.#limitStall();
    this.client.socket.once('drain', () => this.#onDrain());
  }

  #noteUpToDate(): void {
    if (this.#isUpToDate || this.#position.offset === 0) return;
    this.#isUpToDate = true;
    this.#write(this.feed.format.upToDate(this.#position));
  }

  #noteAbsence(): void {
    this.#write(this.feed.format.notFound());
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
    this.#write(frame);
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
    this.cut();
  }

  /**
   * Starts the write timeout of a socket with bytes to send. It does not affect a client that reads slowly:
   * Node's timeout starts again with each byte that the system takes.
   */
  #limitStall(): void {
    const { response, socket } = this.client;
    if (response.listenerCount('timeout') === 0) response.on('timeout', () => this.#onTimeout());
    socket.setTimeout(this.options.stallMs);
  }

  #onTimeout(): void {
    if (!this.#awaitsDrain && this.#end === null) return;
    this.#stop('slow');
    this.cut();
  }

  /** Continues after a drain. The socket of a slow client may be full at every beat, so its age is checked
   * here too. */
  #onDrain(): void {
    this.#awaitsDrain = false;
    if (performance.now() >= this.#endsAt) this.finish(this.#endsBy);
    else this.resume();
  }

  /**
   * A client that has closed its sending side has most likely left, and only a write can tell it from one
   * that still reads. So it gets all stored events, and does not wait for new ones.
   */
  readonly #onEnd = (): void => this.resume();

  readonly #onClose = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.client.response.off('close', this.#onClose);
    this.client.socket.off('end', this.#onEnd);
    const reason = this.#end ?? 'left';
    this.#stop(reason);
    const totals = {
      reason,
      fromOffset: this.feed.position.offset,
      toOffset: this.#position.offset,
      durationMs: Math.round(performance.now() - this.#startedAt),
    };
    this.options.onClose(this, totals);
    this.onClose(totals);
  };
}

function between({ from, to }: { readonly from: number; readonly to: number }): number {
  return from + (to - from) * Math.random();
}
