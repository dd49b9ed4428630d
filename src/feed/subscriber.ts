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

/** What a client follows. */
export interface FollowedFeed {
  readonly follower: StreamFollower;
  /** Where it begins. */
  readonly position: Position;
  /** What it is told first, when it came with an id that means nothing here. */
  readonly reset: Reset | null;
  /** Whether it is at the start of a stream that is not there. */
  readonly isAbsent: boolean;
  /** How long it waits for one, in milliseconds; null for as long as a feed may last. */
  readonly startTimeoutMs: number | null;
  readonly format: FeedFormat;
  /** When the feed ends in any case, as its client is no longer allowed to read. */
  readonly accessEndsAt: number;
}

/** What one feed did. */
export interface FeedTotals {
  readonly reason: FeedEnd;
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly durationMs: number;
}

/** What all subscribers of a process have in common. */
export interface SubscriberOptions {
  /** After a reset, the feed waits this long for a stream that does not exist. */
  readonly waitMs: number;
  /** A comment is sent before there was no byte for this long, so that a dead connection shows. */
  readonly heartbeatMs: number;
  /** About when the feed ends, so that its client goes on in another one. */
  readonly maxAgeMs: number;
  /** A socket that takes nothing for this long, although there is something, is cut. */
  readonly stallMs: number;
  /** Of all feeds of the process. */
  readonly turns: TurnQueue;
  readonly logger: BaseLogger;
  readonly observer: FeedObserver;
  /** Called when a response has closed, with all of its bytes or without. */
  readonly onClose: (subscriber: Subscriber, totals: FeedTotals) => void;
}

/** A page that was read, to be written in a later turn. */
interface ReadPage {
  readonly page: EncodedPage;
  /** Set when the page is of another stream than the client saw. */
  readonly reset: Reset | null;
}

/** How much of a stream one client is given in one turn of the event loop, but for the page that goes over it. */
const maxBurstBytes = 256 * 1024;

/**
 * After how much of the interval the heartbeat is due. Feeds that got the same event do not all come to
 * it together, and a beat, which comes ten times in the interval, is never too late for it.
 */
const heartbeatDue = { from: 0.6, to: 0.85 };

/** By how much of it the age of feeds differs that were opened together. */
const ageJitter = 0.1;

/**
 * One client of a stream: a position and a socket. It writes what lies at its position until the
 * socket is full, and goes on when the socket drains; nothing is queued for it elsewhere.
 */
export class Subscriber implements ParkedSubscriber, TurnTaker {
  #position: Position;
  readonly #startedAt = performance.now();
  #lastWriteAt = this.#startedAt;
  /** How long there may be no byte until the heartbeat. */
  readonly #silenceMs: number;
  readonly #endsAt: number;
  /** Why it ends then. */
  readonly #endsBy: FeedEnd;
  #awaitsDrain = false;
  /** Whether it reads, or waits for its turn. */
  #isBusy = false;
  #readPage: ReadPage | null = null;
  /** Set when nothing more is to be written. */
  #end: FeedEnd | null = null;
  #isClosed = false;
  /** Whether it was told that it has all there is. */
  #isUpToDate = false;
  #absenceTimer: NodeJS.Timeout | undefined;
  /** Its neighbours while it is parked. */
  previous: ParkedSubscriber | null = null;
  next: ParkedSubscriber | null = null;
  place = 0;

  /** @param onClose told last that the response has closed */
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
   * @param firstBytes creates them; they are sent at once
   * @param firstPage the page at its position, which is being read; null where the follower has it
   */
  start(firstBytes: () => Buffer, firstPage: Promise<EncodedPage> | null): void {
    // The client may have left while the stream was looked up: then 'close' was before our time.
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

  /** There may be more at its position, or room in its socket. */
  resume(): void {
    try {
      this.#writeUntilFull();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Goes on with the page that was read, or where the last turn had no more room. */
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

  /** Ends the response; the client has all that it was to get, or comes back for the rest. */
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

  /** Called ten times in a heartbeat interval: sends the heartbeat, and ends the feed at its age. */
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

  /** Drops the connection with what is unsent; one whose response is complete stays for the next request. */
  cut(): void {
    if (this.#isClosed) return;
    this.client.response.destroy();
    this.client.socket.destroy();
  }

  /**
   * The loop of one client: writes page after page, until the socket is full, a page has to be read,
   * the turn is over, or the client has everything.
   *
   * @param burstBytes how much of the stream was written in this turn already
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

  /** Waits at the end of the stream, unless there is nothing to wait for. */
  #park(end: EncodedPage): void {
    const { follower } = this.feed;
    this.#position = end.next; // with its tag, which a bare offset has not
    this.#noteUpToDate();
    if (follower.isOver()) this.finish('ended');
    else if (this.client.socket.readableEnded) this.finish('left');
    else follower.park(this);
  }

  /** Waits for a page, which is written in a later turn. */
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
    // Many may have shared the read: neither a crowd nor one long replay keeps the others waiting.
    this.#continueLater();
  }

  #continueLater(): void {
    this.#isBusy = true;
    this.options.turns.push(this);
  }

  /** Returns how much of the stream it was. */
  #writeRead({ page, reset }: ReadPage): number {
    if (reset === null) return this.#writePage(page);
    this.#reset(reset);
    return 0;
  }

  /** Returns how much of the stream it was, which costs time also where few bytes come of it. */
  #writePage(page: EncodedPage): number {
    const { format } = this.feed;
    // First, since it may throw: what has not been written is not behind us.
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

  /** Says that the stream is not the one that the client saw, and goes on from its start. */
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

  /** Ends the feed unless an event comes before. */
  #endAfter(ms: number, end: FeedEnd): void {
    clearTimeout(this.#absenceTimer);
    this.#absenceTimer = setTimeout(() => this.finish(end), ms);
  }

  /** From here on nothing is written. */
  #stop(end: FeedEnd): void {
    this.#end = end;
    clearTimeout(this.#absenceTimer);
    this.feed.follower.leave(this);
  }

  /**
   * Whatever a format or a socket throws costs this one feed: it may have come out of a socket's
   * callback or a timer, where it would end the process, or with others waiting behind.
   */
  #fail(error: unknown): void {
    const { logger } = this.options;
    logger.error({ ...this.feed.follower.stream, ...toLogFields(error) }, 'A feed failed');
    if (this.#end === null) this.#stop('failed');
    this.cut();
  }

  /**
   * A socket with bytes to send, of which the client takes none, times out. A client that reads slowly
   * is not one that does not read: Node's timeout starts again with each byte that the system takes.
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

  /** A slow client's socket may be full at every beat: so its age is checked here too. */
  #onDrain(): void {
    this.#awaitsDrain = false;
    if (performance.now() >= this.#endsAt) this.finish(this.#endsBy);
    else this.resume();
  }

  /**
   * A client that has closed its side has most likely left, and can be told apart from one that reads
   * on by a write alone. So it gets what there is, and is not kept for what comes.
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
