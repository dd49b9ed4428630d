import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Stall } from '../feed/stall.js';

/** So many requests of a connection may wait; then no more is read until they are answered. */
const maxWaiting = 100;

interface Waiting {
  readonly response: ServerResponse;
  readonly start: () => void;
}

/**
 * Lets one request of a connection be handled at a time. A client may send thousands at once and
 * read no answer (HTTP pipelining): handled together, each of them would hold a page.
 */
export class Turns {
  readonly #queues = new Map<Socket, TurnQueue>();
  readonly #beats: NodeJS.Timeout;
  /** One function for all sockets: each may be open for long. */
  readonly #forget: (this: Socket) => void;

  /** @param stallMs an answer of which a client takes nothing for so long is given up */
  constructor(readonly stallMs: number) {
    this.#beats = setInterval(() => this.#beat(), stallMs / 10).unref();
    const queues = this.#queues;
    this.#forget = function (this: Socket) {
      queues.delete(this);
    };
  }

  /** Calls `start` when all requests before this one on its connection were answered. */
  take(socket: Socket, response: ServerResponse, start: () => void): void {
    const queue = this.#queues.get(socket) ?? this.#open(socket);
    queue.add(response, start);
  }

  close(): void {
    clearInterval(this.#beats);
  }

  #open(socket: Socket): TurnQueue {
    const queue = new TurnQueue(socket);
    this.#queues.set(socket, queue);
    socket.on('close', this.#forget);
    return queue;
  }

  #beat(): void {
    const now = performance.now();
    for (const queue of this.#queues.values()) queue.cutIfStalled(now, this.stallMs);
  }
}

/** The requests of one connection. */
class TurnQueue {
  #current: ServerResponse | null = null;
  #waiting: Waiting[] = [];
  /** Null until an answer is looked at that has been ended. */
  #stall: Stall | null = null;
  readonly #onClose = () => this.#next();

  constructor(readonly socket: Socket) {
    // Node reads on as soon as one request is through.
    socket.on('resume', () => this.#pauseIfFull());
  }

  add(response: ServerResponse, start: () => void): void {
    if (this.#current === null) {
      this.#run(response, start);
      return;
    }
    this.#waiting.push({ response, start });
    this.#pauseIfFull();
  }

  /** Feeds look after themselves: they are sockets that may be silent for long. */
  cutIfStalled(now: number, stallMs: number): void {
    if (this.#current?.writableEnded !== true) {
      this.#stall?.end();
      return;
    }
    this.#stall ??= new Stall();
    if (this.#stall.durationMs(this.#current, now) >= stallMs) this.socket.destroy();
  }

  #run(response: ServerResponse, start: () => void): void {
    this.#current = response;
    response.on('close', this.#onClose);
    start();
  }

  #next(): void {
    this.#stall?.end();
    // Of a client that can be told nothing more, nothing is done any more.
    const next = this.socket.writable ? this.#waiting.shift() : undefined;
    if (next !== undefined) {
      this.#run(next.response, next.start);
      if (this.#waiting.length === maxWaiting - 1) this.socket.resume();
      return;
    }
    this.#current = null;
    if (this.#waiting.length > 0) this.#waiting = [];
  }

  #pauseIfFull(): void {
    if (this.#waiting.length >= maxWaiting) this.socket.pause();
  }
}
