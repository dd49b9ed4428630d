import type { IncomingMessage } from 'node:http';
import { nextTick } from 'node:process';
import { ServiceError } from '../../errors.js';
import type { BodyShare } from './body-budget.js';

export interface BodyLimits {
  readonly maxBytes: number;
  /** How long it may take to arrive. Node's own timeout knows only whole servers. */
  readonly timeoutMs: number;
  /** The error of a body with more bytes. */
  readonly tooLarge: () => Error;
}

type BodyReader = (error: Error | null, bytes?: Buffer) => void;

/** Emitted on a request of which the rest of the body is not HTTP, with a `ServiceError`. */
export const bodyError = 'bodyError';

/**
 * Reads a whole body.
 *
 * @param share share of the body in the budget of all bodies
 * @param done called once, with the body or with an error: `tooLarge`, as soon as that is known,
 *   `overloaded` or `request_timeout`, after which the rest is left unread; or that of a broken
 *   connection
 */
export function readBody(
  body: IncomingMessage,
  limits: BodyLimits,
  share: BodyShare,
  done: BodyReader,
): void {
  // Malformed chunks are reported once, while the packet with the head is parsed: listen before that.
  if (body.headers['content-length'] === undefined) readAsItComes(body, limits, share, done);
  // By the next tick, Node has parsed the part of the body that arrived with the head.
  else nextTick(readBuffered, body, limits, share, done);
}

/** A body that has arrived completely, as nearly all have, needs no listeners and no deadline. */
function readBuffered(
  body: IncomingMessage,
  limits: BodyLimits,
  share: BodyShare,
  done: BodyReader,
): void {
  const { complete, readableLength, destroyed } = body;
  if (!complete || destroyed || readableLength === 0 || readableLength > limits.maxBytes) {
    readAsItComes(body, limits, share, done);
    return;
  }
  try {
    share.hold(readableLength);
  } catch (error) {
    done(error as ServiceError);
    return;
  }
  done(null, body.read());
}

function readAsItComes(
  body: IncomingMessage,
  { maxBytes, timeoutMs, tooLarge }: BodyLimits,
  share: BodyShare,
  done: BodyReader,
): void {
  const announced = Number(body.headers['content-length'] ?? Number.NaN);
  const bytes = new GrowingBytes(announced <= maxBytes ? announced : maxBytes);
  let isDone = false; // removing the listeners would cost as much as the reading
  const finish = (error: Error | null) => {
    if (isDone) return;
    isDone = true;
    clearTimeout(deadline);
    if (error === null) {
      share.complete();
      done(null, bytes.take());
      return;
    }
    body.off('data', take).pause();
    bytes.take();
    share.release();
    done(error);
  };
  const take = (chunk: Buffer) => {
    if (bytes.length + chunk.length > maxBytes) {
      finish(tooLarge());
      return;
    }
    bytes.push(chunk);
    try {
      share.hold(bytes.capacity);
    } catch (error) {
      finish(error as ServiceError);
    }
  };
  const late = () => finish(new ServiceError('request_timeout', 'the body did not arrive in time'));
  const deadline = setTimeout(late, timeoutMs);
  share.begin(finish);
  body
    .on('data', take)
    .on('end', () => finish(null))
    .on('error', finish)
    .on(bodyError, finish)
    .on('close', () => {
      if (!isDone) finish(broken());
    });
  if (body.destroyed)
    finish(broken()); // 'close' was emitted before there was a listener
  else if (announced > maxBytes) finish(tooLarge());
}

function broken(): Error {
  return new Error('the connection broke before the body was complete');
}

const minCapacity = 256;

/**
 * Bytes that come in pieces, kept in one buffer: a client that sends them one at a time makes us keep
 * bytes, not an object for each. A single piece is not copied.
 */
export class GrowingBytes {
  #buffer: Buffer | null = null;
  #length = 0;
  #isOwn = false;

  /** @param maxBytes how many there will be at most, as far as that is known */
  constructor(readonly maxBytes = Number.POSITIVE_INFINITY) {}

  get length(): number {
    return this.#length;
  }

  /** How many bytes of memory are kept. */
  get capacity(): number {
    return this.#buffer?.length ?? 0;
  }

  push(piece: Buffer): void {
    if (piece.length === 0) return;
    if (this.#buffer === null) this.#buffer = piece;
    else piece.copy(this.#reserve(piece.length), this.#length);
    this.#length += piece.length;
  }

  /** Hands all of it over, and begins anew. */
  take(): Buffer {
    const bytes = this.#buffer?.subarray(0, this.#length) ?? Buffer.alloc(0);
    this.#buffer = null;
    this.#length = 0;
    this.#isOwn = false;
    return bytes;
  }

  /** A buffer with what there is and room for more; it doubles, up to what may come. */
  #reserve(more: number): Buffer {
    const known = this.#buffer as Buffer;
    const needed = this.#length + more;
    if (this.#isOwn && needed <= known.length) return known;
    const ahead = Math.min(Math.max(minCapacity, 2 * this.#length), this.maxBytes);
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, ahead));
    known.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    this.#isOwn = true;
    return grown;
  }
}
