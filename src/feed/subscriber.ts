import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { encodeComment } from '../sse/frame.js';
import { fits, type Position, startOfStream } from '../streams/position.js';
import type { EncodedPage } from './encoded-page.js';
import type { FeedDialect } from './feed-dialect.js';
import type { FeedEnd } from './feed-end.js';
import type { FeedObserver } from './feed-observer.js';
import { jitter } from './retry.js';
import { Stall } from './stall.js';
import type { StreamReader, Waiter } from './stream-reader.js';

export interface SubscriberOptions {
  readonly reader: StreamReader;
  readonly response: ServerResponse;
  /** Of the request. A response that waits behind another one of its connection has none. */
  readonly socket: Socket;
  readonly position: Position;
  readonly dialect: FeedDialect;
  /** After a reset, the feed waits this long for a stream that does not exist. */
  readonly waitMs: number;
  /** After this long without a byte, a comment is sent, so that a dead connection shows. */
  readonly heartbeatMs: number;
  /** About when the feed ends, so that its client goes on in another one. */
  readonly maxAgeMs: number;
  /** When the feed ends in any case, as its client is no longer allowed to read. */
  readonly accessEndsAt: number;
  /** A socket that has taken nothing for this long, although there is something, is cut. */
  readonly stallMs: number;
  readonly observer: FeedObserver;
  /** Called when the feed is `closed`. */
  readonly onClose: (end: FeedEnd) => void;
}

/** How much of a stream one client is given in one turn of the event loop, but for the page that goes over it. */
const maxBurstBytes = 256 * 1024;

const heartbeat = encodeComment('heartbeat');

/** By how much of it the age of feeds differs that were opened together. */
const ageJitter = 0.1;

/**
 * One client of a stream: a position and a socket. It writes what lies at its position until the
 * socket is full, and goes on when the socket drains; nothing is queued for it elsewhere.
 */
export class Subscriber implements Waiter {
  #position: Position;
  #lastWriteAt = performance.now();
  readonly #endsAt: number;
  /** Why it ends then. */
  readonly #endsBy: FeedEnd;
  readonly #stall = new Stall();
  #isReading = false;
  /** Set when nothing more is to be written. */
  #end: FeedEnd | null = null;
  #isClosed = false;
  #absenceTimer: NodeJS.Timeout | null = null;
  #resolveClosed: () => void = () => {};
  /** Resolves when the response has closed, with all of its bytes or without. */
  readonly closed = new Promise<void>((resolve) => {
    this.#resolveClosed = resolve;
  });

  constructor(readonly options: SubscriberOptions) {
    this.#position = options.position;
    const oldAt = performance.now() + jitter(options.maxAgeMs, ageJitter);
    this.#endsAt = Math.min(oldAt, options.accessEndsAt);
    this.#endsBy = oldAt < options.accessEndsAt ? 'max_age' : 'token_expired';
    options.response.on('drain', () => this.#onDrain());
    options.response.once('close', this.#onClose);
    options.socket.once('close', this.#onClose);
  }

  get position(): Position {
    return this.#position;
  }

  /** @param preamble the first bytes, sent at once */
  start(preamble: Buffer): void {
    // The client may have left while the stream was looked up: then 'close' was before our time.
    if (this.options.socket.destroyed) {
      this.#onClose();
      return;
    }
    this.#write(preamble);
    this.pump();
  }

  pump(): void {
    const { reader, response, dialect } = this.options;
    let burstBytes = 0;
    while (!this.#isReading && this.#end === null && !response.writableNeedDrain) {
      const page = reader.peek(this.#position, dialect.prefersLongPages);
      if (page === undefined) void this.#readOn();
      else if (page.isEmpty) {
        this.#rest(page);
        return;
      } else if (burstBytes >= maxBurstBytes) void this.#goOnLater();
      else burstBytes += this.#writePage(page);
    }
  }

  /** Ends the response; the client has all that it was to get, or comes back for the rest. */
  finish(end: FeedEnd): void {
    if (this.#end !== null) return;
    this.#stop(end);
    const farewell = this.options.dialect.farewell(end);
    if (farewell === null) this.cut();
    else this.options.response.end(farewell);
  }

  /** To be called now and then: sees to the heartbeat, to old age, and to a socket that stands still. */
  beat(now: number): void {
    const { response, heartbeatMs } = this.options;
    if (this.#end !== null || response.writableNeedDrain) this.#checkStall(now);
    else if (now >= this.#endsAt) this.finish(this.#endsBy);
    else if (now - this.#lastWriteAt >= heartbeatMs) this.#write(heartbeat);
  }

  #checkStall(now: number): void {
    const { response, stallMs } = this.options;
    if (this.#stall.durationMs(response, now) < stallMs) return;
    this.#stop('slow');
    this.cut();
  }

  /** Drops the connection with whatever is unsent; one that is done with stays for its next request. */
  cut(): void {
    if (this.#isClosed) return;
    this.options.response.destroy();
    this.options.socket.destroy();
  }

  /** A slow client's socket may be full at every look: so its age is looked at here too. */
  #onDrain(): void {
    this.#stall.end();
    if (performance.now() >= this.#endsAt) this.finish(this.#endsBy);
    else this.pump();
  }

  #rest(end: EncodedPage): void {
    const { reader } = this.options;
    this.#position = end.next; // with its tag, which a bare offset has not
    if (reader.isOver()) this.finish('ended');
    else reader.wait(this);
  }

  async #readOn(): Promise<void> {
    const { reader } = this.options;
    this.#isReading = true;
    try {
      const page = await reader.read(this.#position.offset);
      if (this.#end !== null) return;
      if (!fits(this.#position, page.tag)) await this.#reset(page);
      else this.#writePage(page);
    } catch (error) {
      reader.logFailure(error);
      this.#isReading = false;
      if (this.#end === null) reader.wait(this);
      return;
    }
    await this.#goOnLater();
  }

  /** In the next turn of the event loop, so that one long replay does not keep the others waiting. */
  async #goOnLater(): Promise<void> {
    this.#isReading = true;
    await nextTurn();
    this.#isReading = false;
    this.pump();
  }

  /** Returns how much of the stream it was, which costs time also where few bytes come of it. */
  #writePage(page: EncodedPage): number {
    this.#position = page.next;
    if (page.isEmpty) return 0;
    this.#clearAbsenceTimer();
    const { dialect, observer } = this.options;
    const frames = dialect.encode(page);
    if (frames.length > 0) this.#write(frames);
    observer.delivered(page.events.length, frames.length);
    if (dialect.isOver) this.finish('ended');
    return page.storedBytes;
  }

  /** Says that the stream is not the one that the client saw, and goes on from its start. */
  async #reset(page: EncodedPage): Promise<void> {
    const { reader } = this.options;
    const { isAbsent } = await reader.restart();
    const isDeleted = isAbsent && (await reader.wasDeleted());
    if (this.#end !== null) return;
    const reason = isDeleted ? 'deleted' : page.tag === null ? 'gone' : 'diverged';
    this.options.observer.reset(reason);
    const frame = this.options.dialect.reset(reason, isAbsent);
    if (frame === null) {
      this.finish('reset');
      return;
    }
    this.#write(frame);
    this.#position = startOfStream;
    if (isAbsent) this.#startAbsenceTimer();
  }

  #write(bytes: Buffer): void {
    this.#lastWriteAt = performance.now();
    this.options.response.write(bytes);
  }

  #startAbsenceTimer(): void {
    this.#clearAbsenceTimer();
    this.#absenceTimer = setTimeout(() => this.finish('absent'), this.options.waitMs);
  }

  #clearAbsenceTimer(): void {
    if (this.#absenceTimer !== null) clearTimeout(this.#absenceTimer);
    this.#absenceTimer = null;
  }

  /** From here on nothing is written. */
  #stop(end: FeedEnd): void {
    this.#end = end;
    this.#clearAbsenceTimer();
    this.options.reader.leave(this);
  }

  readonly #onClose = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { response, socket, onClose } = this.options;
    response.off('close', this.#onClose);
    socket.off('close', this.#onClose);
    const end = this.#end ?? 'left';
    this.#stop(end);
    onClose(end);
    this.#resolveClosed();
  };
}
