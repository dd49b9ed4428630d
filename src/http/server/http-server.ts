import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import { ServiceError } from '../../errors.js';
import { bodyError } from '../body/read-body.js';
import { securityHeaders } from '../hooks/request-security.js';
import { discardMs } from '../problems/error-handler.js';
import { noRoute, type OnRejected, problemContentType, toProblem } from '../problems/problem.js';
import type { AppendFastPath } from './append-fast-path.js';

/** How long the head of a request may take to arrive. */
const headersTimeout = 10_000;

/** How often Node checks for requests that take too long. */
const connectionsCheckingInterval = 2000;

/** A peer that has been silent for this long is probed by TCP; without a response, it is gone in 10 s. */
const keepAliveInitialDelay = 60_000;

/** How long a connection may wait for its next request: longer than proxies keep theirs. */
const keepAliveTimeout = 72_000;

/** How long a client may take to read the last response. */
const lingerMs = 1000;

export function createHttpServer(
  handle: RequestListener,
  appendFastPath: AppendFastPath,
  connections: Connections,
  maxConnections: number,
): Server {
  const server = createServer({
    headersTimeout,
    requestTimeout: 0, // an NDJSON request may stay open for a whole run
    connectionsCheckingInterval,
    keepAlive: true,
    keepAliveInitialDelay,
    keepAliveTimeout,
    requireHostHeader: false, // Node's own response is no problem document; `checkRequests` makes one
  });
  server.maxConnections = maxConnections;
  server.maxHeadersCount = 0; // Node passes over those beyond, and so would our checks; 16 KiB bound them
  // Without it, who closes the sending side is sent nothing that is not ready in that moment.
  Object.assign(server, { httpAllowHalfOpen: true });
  // Whatever is expected beside `100-continue` is ignored (RFC 9110, section 10.1.1): Node's own
  // response is no problem document, and bypasses all that guards a response.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  connections.attend(server, (request, response) => appendFastPath.take(request, response, handle));
  return server;
}

/** The connections of a server, each of which has one request at a time. */
export class Connections {
  readonly #all = new Map<Socket, Connection>();

  /** @param stallMs write timeout: a response without progress for this long is abandoned */
  constructor(
    readonly stallMs: number,
    readonly onRejected: OnRejected,
  ) {}

  /** @param handle called with each request, unless another one of its connection is in flight */
  attend(server: Server, handle: RequestListener): void {
    const all = this.#all;
    // One function of each kind for all sockets: there are many, and each may be open for long.
    function onClose(this: Socket): void {
      all.delete(this);
    }
    function onEnd(this: Socket): void {
      all.get(this)?.closeAfterCurrent();
    }
    function onResponded(this: ServerResponse): void {
      limitDiscarding(this.req);
      all.get(this.req.socket)?.end();
    }
    // Node starts the time again with each byte that the system takes, also in the middle of a write.
    server.setTimeout(this.stallMs, (socket: Socket) => all.get(socket)?.onTimeout());
    server.on('connection', (socket: Socket) => {
      all.set(socket, new Connection(socket));
      socket.on('close', onClose).on('end', onEnd);
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (all.get(request.socket)?.begin(response) !== true) return;
      response.on('close', onResponded);
      handle(request, response);
    });
    server.on('connect', (_request: IncomingMessage, socket: Socket) => {
      // Node has left the socket, and tells the request in flight no more that its client has gone.
      const pending = all.get(socket)?.current?.req;
      socket.on('close', () => pending?.destroy());
      socket.on('error', () => {}).resume(); // 'close' follows
      this.reject(new ServiceError('not_implemented', 'CONNECT is not implemented'), socket);
    });
  }

  /** Rejects what never became a request; behind one that is in flight, it is dropped like any other. */
  reject(error: NodeJS.ErrnoException, socket: Socket): void {
    const connection = this.#all.get(socket);
    const current = connection?.current ?? null;
    if (error.code === 'ECONNRESET') socket.destroy();
    else if (current?.req.complete === true) connection?.closeAfterCurrent();
    else if (current?.headersSent === true)
      socket.destroy(); // in the middle of a response, ours would be text of it
    else if (!current?.req.emit(bodyError, toServiceError(error))) {
      rejectClientError(toServiceError(error), socket, this.onRejected);
    }
  }

  /** Cuts at once what has asked for nothing, and after `graceMs` whatever is left. */
  stop(graceMs: number): void {
    for (const { hasAsked, socket } of this.#all.values()) if (!hasAsked) socket.destroy();
    const cut = () => {
      for (const socket of this.#all.keys()) socket.destroy();
    };
    setTimeout(cut, graceMs).unref();
  }
}

/**
 * One connection, which has one request at a time. What a client sends before it has the response
 * (HTTP pipelining) is dropped, and the response is the last one (RFC 9112, section 9.6): a request
 * that waits would hold its head, and one that is handled meanwhile a page.
 */
class Connection {
  /** Whether it has brought a whole request head: browsers open connections ahead of need. */
  hasAsked = false;
  /** The response to the request in flight. */
  current: ServerResponse | null = null;
  /** Whether nothing is done any more behind the response in flight. */
  #isClosing = false;

  constructor(readonly socket: Socket) {}

  /** @returns whether the request is to be handled */
  begin(response: ServerResponse): boolean {
    this.hasAsked = true;
    this.closeAfterCurrent();
    if (this.#isClosing || !this.socket.writable) return false;
    this.current = response;
    // Of what comes behind it in one packet, Node's parser tells nobody.
    if (response.req.headers.upgrade !== undefined) this.closeAfterCurrent();
    return true;
  }

  /** Makes the response in flight, if any, the last one. It says so, unless its head has been sent. */
  closeAfterCurrent(): void {
    if (this.current === null || this.#isClosing) return;
    this.#isClosing = true;
    this.current.shouldKeepAlive = false;
    dropRequests(this.socket);
    this.socket.destroySoon = () => closeLingering(this.socket); // Node calls it after the response
  }

  /** To be called when a response is through. */
  end(): void {
    this.current = null;
    if (this.#isClosing) closeLingering(this.socket);
  }

  /**
   * Gives up what is left of a response that has been ended, and a connection that waits for its next
   * request. Feeds look after themselves: they are responses that may be silent for long.
   */
  onTimeout(): void {
    const isKeptAlive = this.hasAsked && this.current === null;
    if (isKeptAlive || this.current?.writableEnded === true) this.socket.destroy();
  }
}

/** The part of a socket that Node keeps to itself. */
interface SocketParts {
  readonly parser?: { onIncoming: (request: IncomingMessage) => number } | null;
}

/**
 * Reads on, so that the end of the connection is noticed, but into nothing. A packet of 64 KiB holds
 * 3,600 small requests, and Node keeps an object of several KB for each until its response.
 */
function dropRequests(socket: Socket): void {
  const { parser } = socket as SocketParts;
  if (!parser) return;
  parser.onIncoming = (request: IncomingMessage & { upgrade?: boolean }) => {
    request.upgrade = false; // otherwise Node gives the connection away
    return 2; // makes the parser skip what else it was given
  };
}

/**
 * Closes a connection on which more may be coming (lingering close). Not at once: a socket that is
 * closed with bytes unread resets its connection, and the client loses the response (RFC 9112,
 * section 9.6).
 */
function closeLingering(socket: Socket): void {
  if (socket.destroyed || socket.writableEnded) return;
  socket.end();
  destroyIn(lingerMs, socket);
}

function destroyIn(ms: number, stream: Socket | IncomingMessage): void {
  const cut = setTimeout(() => stream.destroy(), ms);
  stream.once('close', () => clearTimeout(cut));
}

/** After a response, Node discards the rest of the body, however long it keeps arriving. */
function limitDiscarding(request: IncomingMessage): void {
  if (!request.complete && !request.destroyed) destroyIn(discardMs, request);
}

/** What follows on the connection may be rejected again, which the client is not told. */
function rejectClientError(error: ServiceError, socket: Socket, onRejected: OnRejected): void {
  if (!socket.writable) return;
  const problem = toProblem(error, '/');
  onRejected(problem.code, noRoute);
  const body = JSON.stringify(problem);
  const headers = Object.entries({
    'Content-Type': problemContentType,
    'Content-Length': Buffer.byteLength(body),
    ...securityHeaders,
    Connection: 'close',
  });
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  closeLingering(socket);
}

function toServiceError(error: NodeJS.ErrnoException): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return new ServiceError('headers_too_large', 'the request line and headers are too large');
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ServiceError('request_timeout', 'the request did not arrive in time');
  }
  return new ServiceError('invalid_header', 'this is not an HTTP request');
}
