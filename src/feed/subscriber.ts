import type { BaseLogger } from 'pino';
import { toLogFields } from '../errors.js';
import { fits, type Position, startOfStream } from '../events/position.js';
import { Chunk } from '../sse/chunk.js';
import type { EncodedPage } from './encoded-page.js';
import { breakOff, type FeedClient, write } from './feed-client.js';
import type { FeedEnd } from './feed-end.js';
import type { FeedObserver, ResetReason } from './feed-observer.js';
import type { FeedFormat } from './formats/feed-format.js';
import type { Waiter } from './parked-subscribers.js';
import { jitter } from './retry.js';
import type { StreamFollower } from './stream-follower.js';
import type { TurnQueue, TurnTaker } from './turns.js';
import { Stall } from './write-timeout.js';

/** What a client follows. */
export interface FollowedFeed {
  readonly reader: StreamFollower;
  /** Where it begins. */
  readonly position: Position;
  /** What it is told first, when it came with an id that means nothing here. */
  readonly reset: Reset | null;
  /** Whether it is at the start of a stream that is not there. */
  readonly isAbsent: boolean;
  /** How long it waits for one, in milliseconds; null for as long as a feed may last. */
  readonly startTimeoutMs: number | null;
  readonly dialect: FeedFormat;
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
  /** A socket that has taken nothing for this long, although there is something, is cut. */
  readonly stallMs: number;
  /** Of all feeds of the process. */
  readonly turns: TurnQueue;
  readonly logger: BaseLogger;
  readonly observer: FeedObserver;
  /** Called when a response has closed, with all of its bytes or without. */
  readonly onClose: (subscriber: Subscriber, totals: FeedTotals) => void;
}

/** What a read came to. */
interface Found {
  readonly page: EncodedPage;
  /** Set when the page is of another stream than the client saw. */
  readonly reset: Reset | null;
}

export interface Reset {
  readonly reason: ResetReason;
  readonly isAbsent: boolean;
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
export class Subscriber implements Waiter, TurnTaker {
  #position: Position;
  readonly #startedAt = performance.now();
  #lastWriteAt = this.#startedAt;
  /** How long there may be no byte until the heartbeat. */
  readonly #silenceMs: number;
  readonly #endsAt: number;
  /** Why it ends then. */
  readonly #endsBy: FeedEnd;
  /** Null until the socket has been full. */
  #stall: Stall | null = null;
  #awaitsDrain = false;
  /** Whether it reads, or waits for its turn. */
  #isReading = false;
  /** What it has read, to be written in its turn. */
  #found: Found | null = null;
  /** Set when nothing more is to be written. */
  #end: FeedEnd | null = null;
  #isClosed = false;
  /** Whether it was told that it has all there is. */
  #isUpToDate = false;
  #absenceTimer: NodeJS.Timeout | null = null;
  #resolveClosed: (() => void) | null = null;
  /** Its neighbours where it waits. */
  previous: Waiter | null = null;
  next: Waiter | null = null;
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
    client.socket.on('end', this.#onEnd);
  }

  get position(): Position {
    return this.#position;
  }

  /** Resolves when the response has closed, with all of its bytes or without. To be called once. */
  async whenClosed(): Promise<void> {
    if (this.#isClosed) return;
    await new Promise<void>((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** @param firstBytes makes them; they are sent at once */
  start(firstBytes: () => Buffer): void {
    // The client may have left while the stream was looked up: then 'close' was before our time.
    if (this.client.socket.destroyed) {
      this.#onClose();
      return;
    }
    try {
      this.#write(Chunk.of(firstBytes()));
      if (this.feed.reset !== null) this.#reset(this.feed.reset);
      else if (this.feed.isAbsent) this.#noteAbsence();
    } catch (error) {
      this.#fail(error);
    }
    this.pump();
  }

  pump(): void {
    try {
      this.#writeOn();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Goes on with what was read, or where the last turn had no more room. */
  takeTurn(): void {
    const found = this.#found;
    this.#found = null;
    this.#isReading = false;
    if (this.#end !== null) return;
    try {
      this.#writeOn(found === null ? 0 : this.#take(found));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param burstBytes how much of the stream was written in this turn already */
  #writeOn(burstBytes = 0): void {
    const { reader, dialect } = this.feed;
    const { socket } = this.client;
    let writtenBytes = burstBytes;
    while (!this.#isReading && this.#end === null && !socket.writableNeedDrain) {
      const page = reader.peek(this.#position, dialect.prefersLongPages);
      if (page === undefined) void this.#readOn();
      else if (page.isEmpty) {
        this.#rest(page);
        return;
      } else if (writtenBytes >= maxBurstBytes) this.#goOnLater();
      else writtenBytes += this.#writePage(page);
    }
  }

  /** Ends the response; the client has all that it was to get, or comes back for the rest. */
  finish(end: FeedEnd): void {
    if (this.#end !== null) return;
    const { dialect } = this.feed;
    this.#stop(end);
    try {
      this.#write(dialect.farewell(end));
      if (dialect.isComplete(end)) this.client.response.end();
      else breakOff(this.client);
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Whatever a dialect or a socket throws costs this one feed: it may have come out of a socket's
   * callback or a timer, where it would end the process, or with others waiting behind.
   */
  #fail(error: unknown): void {
    const { logger } = this.options;
    logger.error({ ...this.feed.reader.stream, ...toLogFields(error) }, 'A feed failed');
    if (this.#end === null) this.#stop('failed');
    this.cut();
  }

  /** To be called now and then: sees to the heartbeat, to old age, and to a socket that stands still. */
  beat(now: number): void {
    try {
      this.#beat(now);
    } catch (error) {
      this.#fail(error);
    }
  }

  #beat(now: number): void {
    const isFull = this.client.socket.writableNeedDrain;
    if (this.#end !== null || isFull) this.#checkStall(now);
    else if (now >= this.#endsAt) this.finish(this.#endsBy);
    else if (now - this.#lastWriteAt >= this.#silenceMs) this.#write(this.feed.dialect.heartbeat);
  }

  #checkStall(now: number): void {
    this.#stall ??= new Stall();
    if (this.#stall.durationMs(this.client.response, now) < this.options.stallMs) return;
    this.#stop('slow');
    this.cut();
  }

  /** Drops the connection with whatever is unsent; one that is done with stays for its next request. */
  cut(): void {
    if (this.#isClosed) return;
    this.client.response.destroy();
    this.client.socket.destroy();
  }

  /** A slow client's socket may be full at every look: so its age is looked at here too. */
  #onDrain(): void {
    this.#awaitsDrain = false;
    this.#stall?.end();
    if (performance.now() >= this.#endsAt) this.finish(this.#endsBy);
    else this.pump();
  }

  #rest(end: EncodedPage): void {
    const { reader } = this.feed;
    this.#position = end.next; // with its tag, which a bare offset has not
    this.#noteUpToDate();
    if (reader.isOver()) this.finish('ended');
    else if (this.client.socket.readableEnded) this.finish('left');
    else reader.wait(this);
  }

  #noteUpToDate(): void {
    if (this.#isUpToDate || this.#position.offset === 0) return;
    this.#isUpToDate = true;
    this.#write(this.feed.dialect.upToDate(this.#position));
  }

  #noteAbsence(): void {
    this.#write(this.feed.dialect.notFound());
    const { startTimeoutMs } = this.feed;
    if (startTimeoutMs !== null) this.#endAfter(startTimeoutMs, 'not_started');
  }

  async #readOn(): Promise<void> {
    const { reader } = this.feed;
    this.#isReading = true;
    try {
      const page = await reader.read(this.#position.offset);
      if (this.#end !== null) return;
      const reset = fits(this.#position, page.tag) ? null : await this.#findReset(page);
      this.#found = { page, reset };
    } catch (error) {
      reader.logFailure(error);
      this.#isReading = false;
      if (this.#end === null) reader.wait(this);
      return;
    }
    // Many may have shared the read: neither a crowd nor one long replay keeps the others waiting.
    this.#goOnLater();
  }

  #goOnLater(): void {
    this.#isReading = true;
    this.options.turns.push(this);
  }

  /** Returns how much of the stream it was. */
  #take({ page, reset }: Found): number {
    if (reset === null) return this.#writePage(page);
    this.#reset(reset);
    return 0;
  }

  /** Returns how much of the stream it was, which costs time also where few bytes come of it. */
  #writePage(page: EncodedPage): number {
    const { dialect } = this.feed;
    // First, since it may throw: what has not been written is not behind us.
    const frames = page.isEmpty ? null : dialect.encode(page);
    this.#position = page.next;
    if (page.isEmpty) return 0;
    this.#clearAbsenceTimer();
    this.#write(frames);
    this.options.observer.delivered(page.events.length, frames?.bytes.length ?? 0);
    if (dialect.isOver) this.finish('ended');
    return page.storedBytes;
  }

  /** Learns what the stream is now that is not the one that the client saw. @throws ServiceError */
  async #findReset(page: EncodedPage): Promise<Reset> {
    const { reader } = this.feed;
    const { isAbsent } = await reader.restart();
    const isDeleted = isAbsent && (await reader.wasDeleted());
    return { reason: isDeleted ? 'deleted' : page.tag === null ? 'gone' : 'diverged', isAbsent };
  }

  /** Says that the stream is not the one that the client saw, and goes on from its start. */
  #reset({ reason, isAbsent }: Reset): void {
    this.options.observer.reset(reason);
    const frame = this.feed.dialect.reset(reason, isAbsent);
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

  #write(chunk: Chunk | null): void {
    if (chunk === null) return;
    this.#lastWriteAt = performance.now();
    if (write(this.client, chunk) || this.#awaitsDrain) return;
    this.#awaitsDrain = true;
    this.client.socket.once('drain', () => this.#onDrain());
  }

  #endAfter(ms: number, end: FeedEnd): void {
    this.#clearAbsenceTimer();
    this.#absenceTimer = setTimeout(() => this.finish(end), ms);
  }

  #clearAbsenceTimer(): void {
    if (this.#absenceTimer !== null) clearTimeout(this.#absenceTimer);
    this.#absenceTimer = null;
  }

  /** From here on nothing is written. */
  #stop(end: FeedEnd): void {
    this.#end = end;
    this.#clearAbsenceTimer();
    this.feed.reader.leave(this);
  }

  /**
   * A client that has closed its side has most likely left, and can be told apart from one that reads
   * on by a write alone. So it gets what there is, and is not kept for what comes.
   */
  readonly #onEnd = (): void => this.pump();

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
    this.#resolveClosed?.();
  };
}

function between({ from, to }: { readonly from: number; readonly to: number }): number {
  return from + (to - from) * Math.random();
}
