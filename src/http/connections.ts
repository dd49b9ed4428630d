import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { discardMs } from './early-answer.js';

/** The connections of a server, so that it can stop within a bounded time. */
export class Connections {
  /** Sockets that have not brought a whole request head yet: browsers open them ahead of need. */
  readonly #silent = new Set<Socket>();

  constructor(readonly server: Server) {
    const silent = this.#silent;
    // One function for all sockets: each may be open for long.
    const forget = function (this: Socket) {
      silent.delete(this);
    };
    server.on('connection', (socket: Socket) => {
      silent.add(socket);
      socket.on('close', forget);
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      silent.delete(request.socket);
      response.on('finish', limitDiscarding);
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
function limitDiscarding(this: ServerResponse): void {
  const request = this.req;
  if (request.complete) return;
  const cut = setTimeout(() => request.destroy(), discardMs);
  request.once('close', () => clearTimeout(cut));
}
