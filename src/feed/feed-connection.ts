import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Chunk } from '../sse/frame.js';

/** What a feed does when its connection changes. Must not throw: an error would end the process. */
export interface FeedConnectionListener {
  /** There is room in the socket again. */
  onDrain(): void;
  /** The client has closed its sending side. */
  onHalfClose(): void;
  /** The write timeout: the socket took no byte for too long, although there are some. */
  onStall(): void;
  /** The response has closed, complete or not. */
  onClose(): void;
}

/**
 * How long a client may take to read the last bytes before its connection is reset: some, such as all on
 * Node.js, see a normal end when they read the last bytes and the reset at once.
 */
const resetAfterMs = 200;

/** The response and socket that a feed writes to, once the head has been sent. */
export class FeedConnection {
  /** On the clock of `performance.now()`. */
  lastWriteAt = performance.now();
  #listener: FeedConnectionListener | null = null;
  #stallMs = 0;
  #awaitsDrain = false;
  #hasEnded = false;
  #isClosed = false;

  /**
   * @param socket the socket of the request, as a closed response has none; the feed writes to it and not to
   * the response, which would frame each chunk again
   * @param isChunked whether the response is chunked; in HTTP/1.0, it ends with its connection
   */
  constructor(
    readonly response: ServerResponse,
    readonly socket: Socket,
    readonly isChunked: boolean,
  ) {}

  /** @param stallMs the write timeout */
  listen(listener: FeedConnectionListener, stallMs: number): void {
    this.#listener = listener;
    this.#stallMs = stallMs;
    this.response.on('close', this.#onClose);
    this.socket.on('end', this.#onEnd).setTimeout(0);
    // If the client left while the stream was read, 'close' was emitted before there was a listener.
    if (this.socket.destroyed) this.#onClose();
  }

  /** Whether the socket is full; it drains later, or stalls. */
  get isFull(): boolean {
    return this.socket.writableNeedDrain;
  }

  write(chunk: Chunk | null): void {
    if (chunk === null) return;
    this.lastWriteAt = performance.now();
    if (this.socket.write(this.isChunked ? chunk.framed : chunk.bytes) || this.#awaitsDrain) return;
    this.#awaitsDrain = true;
    this.#limitStall();
    this.socket.once('drain', () => this.#onDrain());
  }

  /**
   * Ends the response once the written bytes have been sent. Without its last chunk, no client considers it
   * complete (RFC 9112, section 8). HTTP/1.0 has no such mark, so an incomplete response is reset.
   */
  end(isComplete: boolean): void {
    const { socket } = this;
    this.#hasEnded = true;
    this.#limitStall();
    if (isComplete) this.response.end();
    else if (this.isChunked) socket.destroySoon();
    else socket.write('', () => setTimeout(() => socket.resetAndDestroy(), resetAfterMs));
  }

  /** Drops the connection with all unsent bytes; after a complete response, it stays for the next request. */
  cut(): void {
    if (this.#isClosed) return;
    this.response.destroy();
    this.socket.destroy();
  }

  /**
   * Starts the write timeout of a socket with bytes to send. It does not affect a client that reads slowly:
   * Node's timeout starts again with each byte that the system takes.
   */
  #limitStall(): void {
    const { response, socket } = this;
    if (this.#listener === null) return;
    if (response.listenerCount('timeout') === 0) response.on('timeout', () => this.#onTimeout());
    socket.setTimeout(this.#stallMs);
  }

  #onTimeout(): void {
    if (this.#awaitsDrain || this.#hasEnded) this.#listener?.onStall();
  }

  #onDrain(): void {
    this.#awaitsDrain = false;
    this.#listener?.onDrain();
  }

  readonly #onEnd = (): void => this.#listener?.onHalfClose();

  readonly #onClose = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.response.off('close', this.#onClose);
    this.socket.off('end', this.#onEnd);
    this.#listener?.onClose();
  };
}
