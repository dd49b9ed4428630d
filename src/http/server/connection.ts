import type { RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Stall } from '../../feed/stall.js';

/** So many requests of a connection may wait; then no more is read until they are answered. */
const maxWaiting = 100;

/**
 * One connection, and whose turn it is on it: a client may send thousands of requests at once and
 * read no answer (HTTP pipelining), and handled together, each of them would hold a page.
 */
export class Connection {
  /** Whether it has brought a whole request head: browsers open connections ahead of need. */
  hasAsked = false;
  #current: ServerResponse | null = null;
  /** The responses of requests that wait; null until one has had to. */
  #waiting: ServerResponse[] | null = null;
  /** Null until an answer is looked at that has been ended. */
  #stall: Stall | null = null;

  /** @param handle what becomes of a request whose turn it is */
  constructor(
    readonly socket: Socket,
    readonly handle: RequestListener,
  ) {}

  /** Takes a request by its response. @returns whether it is its turn; if not, `next` says when */
  add(response: ServerResponse): boolean {
    this.hasAsked = true;
    // Behind an answer that ends the connection nothing is done, whatever came along with it.
    if (!this.socket.writable) return false;
    if (this.#current === null) {
      this.#current = response;
      return true;
    }
    this.#waiting ??= this.#beginQueue();
    this.#waiting.push(response);
    this.#pauseIfFull();
    return false;
  }

  /** To be called when an answer is through. @returns the response whose turn it is now, if any */
  next(): ServerResponse | null {
    this.#stall?.end();
    // Of a client that can be told nothing more, nothing is done any more.
    if (!this.socket.writable) this.#waiting?.splice(0);
    this.#current = this.#waiting?.shift() ?? null;
    if (this.#waiting?.length === maxWaiting - 1) this.socket.resume();
    return this.#current;
  }

  /** Feeds look after themselves: they are answers that may be silent for long. */
  cutIfStalled(now: number, stallMs: number): void {
    if (this.#current?.writableEnded !== true) {
      this.#stall?.end();
      return;
    }
    this.#stall ??= new Stall();
    if (this.#stall.durationMs(this.#current, now) >= stallMs) this.socket.destroy();
  }

  #beginQueue(): ServerResponse[] {
    // Node reads on as soon as one request is through.
    this.socket.on('resume', () => this.#pauseIfFull());
    return [];
  }

  #pauseIfFull(): void {
    if (this.#waiting !== null && this.#waiting.length >= maxWaiting) this.socket.pause();
  }
}
