import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * One connection, which has one request at a time. What a client sends before it has the response
 * (HTTP pipelining) is dropped, and the response is the last one (RFC 9112, section 9.6): a request
 * that waits would hold its head, and one that is handled meanwhile a page.
 */
export class Connection {
  /** Whether it has brought a whole request head: browsers open connections ahead of need. */
  hasAsked = false;
  #current: ServerResponse | null = null;
  /** Whether nothing is done any more behind the response in flight. */
  #isClosing = false;

  /** @param handle what becomes of a request */
  constructor(
    readonly socket: Socket,
    readonly handle: RequestListener,
  ) {}

  /** The response to the request in flight, if there is one. */
  get current(): ServerResponse | null {
    return this.#current;
  }

  /** Takes a request by its response. @returns whether it is to be handled */
  add(response: ServerResponse): boolean {
    this.hasAsked = true;
    if (this.#current !== null) this.closeAfterCurrent();
    if (this.#isClosing || !this.socket.writable) return false;
    this.#current = response;
    // Of what comes behind it in one packet, Node's parser tells nobody.
    if (response.req.headers.upgrade !== undefined) this.closeAfterCurrent();
    return true;
  }

  /** Makes the response in flight the last one. It says so, unless its head has been sent. */
  closeAfterCurrent(): void {
    if (this.#current === null || this.#isClosing) return;
    this.#isClosing = true;
    this.#current.shouldKeepAlive = false;
    dropRequests(this.socket);
    this.socket.destroySoon = () => closeLingering(this.socket); // Node calls it after the response
  }

  /** To be called when a response is through. */
  end(): void {
    this.#current = null;
    if (this.#isClosing) closeLingering(this.socket);
  }

  /**
   * To be called when the socket times out: it was idle, or its client takes nothing. What is left of
   * a response that has been ended is given up, and a connection that waits for its next request. Feeds
   * look after themselves: they are responses that may be silent for long.
   */
  onTimeout(): void {
    const isKeptAlive = this.hasAsked && this.#current === null;
    if (isKeptAlive || this.#current?.writableEnded === true) this.socket.destroy();
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
  if (parser) parser.onIncoming = drop;
}

/** @returns what makes the parser skip what else it was given */
function drop(request: IncomingMessage & { upgrade?: boolean }): number {
  request.upgrade = false; // otherwise Node gives the connection away
  return 2;
}

/** How long a client may take to read the last response. */
const lingerMs = 1000;

/**
 * Closes a connection on which more may be coming (lingering close). Not at once: a socket that is
 * closed with bytes unread resets its connection, and the client loses the response (RFC 9112,
 * section 9.6).
 */
export function closeLingering(socket: Socket): void {
  if (socket.destroyed || socket.writableEnded) return;
  socket.end();
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(cut));
}
