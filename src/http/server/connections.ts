import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import { discardMs } from '../early-answer.js';
import { Connection } from './connection.js';

/** The connections of a server: what is asked on each is handled one after another. */
export class Connections {
  readonly #all = new Map<Socket, Connection>();
  readonly #beats: NodeJS.Timeout;
  // One function of each kind for all sockets: there are many, and each may be open for long.
  readonly #onClose: (this: Socket) => void;
  readonly #onAnswered: (this: ServerResponse) => void;

  /** @param stallMs an answer of which a client takes nothing for so long is given up */
  constructor(readonly stallMs: number) {
    const all = this.#all;
    const next = (response: ServerResponse) => this.#next(response);
    this.#onClose = function () {
      all.delete(this);
    };
    this.#onAnswered = function () {
      next(this);
    };
    this.#beats = setInterval(() => this.#beat(), stallMs / 10).unref();
  }

  /**
   * Looks after the connections of a server.
   *
   * @param handle called with each request when all before it on its connection were answered
   */
  attend(server: Server, handle: RequestListener): void {
    server.on('connection', (socket: Socket) => {
      this.#all.set(socket, new Connection(socket, handle));
      socket.on('close', this.#onClose);
    });
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      const connection = this.#all.get(socket);
      if (connection?.add(response)) this.#begin(connection, response);
    });
  }

  /** Cuts at once what has asked for nothing, and after `graceMs` whatever is left. */
  stop(graceMs: number): void {
    clearInterval(this.#beats);
    for (const { hasAsked, socket } of this.#all.values()) if (!hasAsked) socket.destroy();
    const cut = () => {
      for (const { socket } of this.#all.values()) socket.destroy();
    };
    setTimeout(cut, graceMs).unref();
  }

  #begin({ handle }: Connection, response: ServerResponse): void {
    response.on('close', this.#onAnswered);
    handle(response.req, response);
  }

  #next({ req }: ServerResponse): void {
    limitDiscarding(req);
    const connection = this.#all.get(req.socket);
    const next = connection?.next() ?? null;
    if (connection !== undefined && next !== null) this.#begin(connection, next);
  }

  #beat(): void {
    const now = performance.now();
    for (const connection of this.#all.values()) connection.cutIfStalled(now, this.stallMs);
  }
}

/** Node reads what still comes of a body that was answered, for as long as it comes. */
function limitDiscarding(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const cut = setTimeout(() => request.destroy(), discardMs);
  request.once('close', () => clearTimeout(cut));
}
