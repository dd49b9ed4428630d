import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { encodeComment, encodeFrame } from '../sse/frame.js';
import { fits, formatPosition, type Position, startOfStream } from '../streams/position.js';
import type { EncodedPage } from './encoded-page.js';
import type { StreamReader, Waiter } from './stream-reader.js';

export interface SubscriberOptions {
  readonly reader: StreamReader;
  readonly response: ServerResponse;
  readonly position: Position;
  /** Whether frames carry the event's type as their name. */
  readonly named: boolean;
  /** After a reset, the feed waits this long for a stream that does not exist. */
  readonly waitMs: number;
  readonly onClose: () => void;
}

/**
 * What a client comes back with that was told of a reset while the stream did not exist. It means
 * position 0, and tells the client apart from one that never saw the stream.
 */
export const resetOnAbsentId = '0-00000000';

const heartbeat = encodeComment('heartbeat');

/**
 * One client of a stream: a position and a socket. It writes what lies at its position until the
 * socket is full, and goes on when the socket drains; nothing is queued for it elsewhere.
 */
export class Subscriber implements Waiter {
  #position: Position;
  #lastWriteAt = performance.now();
  #isReading = false;
  #isClosed = false;
  #absenceTimer: NodeJS.Timeout | null = null;

  constructor(readonly options: SubscriberOptions) {
    this.#position = options.position;
    options.response.on('drain', () => this.pump());
    options.response.on('close', () => this.#close());
  }

  get position(): Position {
    return this.#position;
  }

  /** @param preamble the first bytes, sent at once */
  start(preamble: Buffer): void {
    this.#write(preamble);
    this.pump();
  }

  pump(): void {
    const { reader, response } = this.options;
    while (!this.#isReading && !this.#isClosed && !response.writableNeedDrain) {
      const page = reader.peek(this.#position);
      if (page === 'end') {
        this.#rest();
        return;
      }
      if (page === undefined) void this.#readOn();
      else this.#writePage(page);
    }
  }

  /** Ends the response; the client has all that it was to get, or comes back for the rest. */
  finish(farewell?: Buffer): void {
    if (this.#isClosed) return;
    this.options.response.end(farewell);
    this.#close();
  }

  /** Sends a comment after `silenceMs` without a byte, so that a dead connection shows. */
  beat(now: number, silenceMs: number): void {
    if (now - this.#lastWriteAt < silenceMs || this.options.response.writableNeedDrain) return;
    this.#write(heartbeat);
  }

  #rest(): void {
    const { reader } = this.options;
    if (reader.isOver()) this.finish();
    else reader.wait(this);
  }

  async #readOn(): Promise<void> {
    const { reader } = this.options;
    this.#isReading = true;
    try {
      const page = await reader.read(this.#position.offset);
      if (this.#isClosed) return;
      if (!fits(this.#position, page.tag)) await this.#reset(page);
      else this.#writePage(page);
    } catch (error) {
      reader.logFailure(error);
      this.#isReading = false;
      if (!this.#isClosed) reader.wait(this);
      return;
    }
    // A page a turn of the event loop, so that one long replay does not keep the others waiting.
    await nextTurn();
    this.#isReading = false;
    this.pump();
  }

  #writePage(page: EncodedPage): void {
    this.#position = page.next;
    if (page.isEmpty) return;
    this.#clearAbsenceTimer();
    this.#write(page.frames(this.options.named));
  }

  /** Says that the stream is not the one that the client saw, and goes on from its start. */
  async #reset(page: EncodedPage): Promise<void> {
    const reason = page.tag === null ? 'gone' : 'diverged';
    const life = await this.options.reader.restart();
    if (this.#isClosed) return;
    const isAbsent = life.wasAbsent;
    const id = isAbsent ? resetOnAbsentId : formatPosition(0, 0);
    const data = Buffer.from(JSON.stringify({ reason, offset: 0 }));
    this.#write(encodeFrame({ id, event: 'reset', data }));
    this.#position = startOfStream;
    if (isAbsent) this.#startAbsenceTimer();
  }

  #write(bytes: Buffer): void {
    this.#lastWriteAt = performance.now();
    this.options.response.write(bytes);
  }

  #startAbsenceTimer(): void {
    this.#clearAbsenceTimer();
    this.#absenceTimer = setTimeout(() => this.finish(), this.options.waitMs);
  }

  #clearAbsenceTimer(): void {
    if (this.#absenceTimer !== null) clearTimeout(this.#absenceTimer);
    this.#absenceTimer = null;
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#clearAbsenceTimer();
    this.options.reader.leave(this);
    this.options.onClose();
  }
}
