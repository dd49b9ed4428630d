import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ServiceError } from '../../errors.js';
import type { OnRejected } from '../problems/problem.js';
import { discardMs } from '../problems/reject.js';
import { rejectClientError, tellReader } from './client-errors.js';
import { Connection } from './connection.js';

/** The connections of a server, each of which has one request at a time. */
export class Connections {
  readonly #all = new Map<Socket, Connection>();
  // One function of each kind for all sockets: there are many, and each may be open for long.
  readonly #onClose: (this: Socket) => void;
  readonly #onEnd: (this: Socket) => void;
  readonly #onAnswered: (this: ServerResponse) => void;

  /** @param stallMs write timeout: a response without progress for this long is abandoned */
  constructor(
    readonly stallMs: number,
    readonly onRejected: OnRejected,
  ) {
    const all = this.#all;
    this.#onClose = function () {
      all.delete(this);
    };
    this.#onEnd = function () {
      all.get(this)?.closeAfterCurrent();
    };
    this.#onAnswered = function () {
      limitDiscarding(this.req);
      all.get(this.req.socket)?.end();
    };
  }

  /**
   * Looks after the connections of a server.
   *
   * @param handle called with each request, unless another one of its connection is in flight
   */
  attend(server: Server, handle: RequestListener): void {
    // Node starts the time again with each byte that the system takes, also in the middle of a write.
    server.setTimeout(this.stallMs, (socket: Socket) => this.#all.get(socket)?.onTimeout());
    server.on('connection', (socket: Socket) => {
      this.#all.set(socket, new Connection(socket, handle));
      socket.on('close', this.#onClose).on('end', this.#onEnd);
    });
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      const connection = this.#all.get(socket);
      if (connection?.add(response)) this.#begin(connection, response);
    });
    server.on('connect', (_request: IncomingMessage, socket: Socket) => {
      // Node has left the socket, and tells the request in flight no more that its client has gone.
      const pending = this.#all.get(socket)?.current?.req;
      socket.on('close', () => pending?.destroy());
      socket.on('error', () => {}).resume(); // 'close' follows
      this.reject(new ServiceError('not_implemented', 'CONNECT is not implemented'), socket);
    });
  }

  /** Rejects what never became a request; behind one that is in flight, it is dropped like any other. */
  reject(error: NodeJS.ErrnoException, socket: Socket): void {
    const current = this.#all.get(socket)?.current ?? null;
    if (error.code === 'ECONNRESET') socket.destroy();
    else if (current?.req.complete === true) this.#all.get(socket)?.closeAfterCurrent();
    else if (current?.headersSent === true)
      socket.destroy(); // in the middle of a response, ours would be text of it
    else if (current === null || !tellReader(current.req, error))
      rejectClientError(error, socket, this.onRejected);
  }

  /** Cuts at once what has asked for nothing, and after `graceMs` whatever is left. */
  stop(graceMs: number): void {
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
}

/** After a response, Node discards the rest of the body, however long it keeps arriving. */
function limitDiscarding(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const cut = setTimeout(() => request.destroy(), discardMs);
  request.once('close', () => clearTimeout(cut));
}
