import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { discardMs } from './early-answer.js';

/** The connections of a server, so that it can stop within a bounded time. */
export class Connections {
  /** Sockets that have not brought a whole request head yet: browsers open them ahead of need. */
  readonly #silent = new Set<Socket>();

  constructor(readonly server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#silent.add(socket);
      socket.once('close', () => this.#silent.delete(socket));
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#silent.delete(request.socket);
      response.once('finish', () => limitDiscarding(request));
    });
  }

  /** Cuts at once what has asked for nothing, and after `graceMs` whatever is left. */
  stop(graceMs: number): void {
    for (const socket of this.#silent) socket.destroy();
    const cut = setTimeout(() => this.server.closeAllConnections(), graceMs);
    this.server.once('close', () => clearTimeout(cut));
  }
}

/** Node reads what still comes of a body that was answered, for as long as it comes. */
function limitDiscarding(request: IncomingMessage): void {
  if (request.complete) return;
  const cut = setTimeout(() => request.destroy(), discardMs);
  request.once('close', () => clearTimeout(cut));
}
