import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Frame, ReaderLog } from '../checker/logs.js';

/** As browsers wait when they were told nothing else. */
const usualRetryMs = 2000;

/**
 * A client of a stream that does what EventSource does: it reconnects with its last id, and closes
 * for good on any status but 200; but before its first event it tries again, as applications do. One
 * address leads it to any node, as behind a load balancer: to the next one whenever a connection is
 * over.
 */
export class Reader implements ReaderLog {
  readonly frames: Frame[] = [];
  connections = 0;
  isFinished = false;
  closedForGood: string | null = null;
  #lastId = '';
  #retryMs = usualRetryMs;
  #isClosed = false;
  #request: ClientRequest | null = null;
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param bases of the nodes
   * @param path of the feed
   * @param turn which base comes first
   */
  constructor(
    readonly bases: readonly string[],
    readonly path: string,
    readonly turn: number,
  ) {}

  get isOver(): boolean {
    return this.isFinished || this.closedForGood !== null;
  }

  connect(): void {
    const base = this.bases[(this.turn + this.connections) % this.bases.length] as string;
    this.connections += 1;
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (this.#lastId !== '') headers['last-event-id'] = this.#lastId;
    const sent = request(`${base}${this.path}`, { headers, agent: false });
    this.#request = sent;
    sent.on('response', (response) => this.#take(response));
    sent.on('error', () => {}); // 'close' follows
    sent.on('close', () => this.#comeBack());
    sent.end();
  }

  /** Loses the connection, as in a tunnel. */
  drop(): void {
    this.#request?.destroy();
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.drop();
  }

  toString(): string {
    const state = this.closedForGood ?? (this.isFinished ? 'finished' : 'open');
    return `reader of ${this.path} at ${this.bases[this.turn % this.bases.length]} (${state}, ${this.connections} connections)`;
  }

  #take(response: IncomingMessage): void {
    response.on('error', () => {}); // the request closes
    if (response.statusCode !== 200) {
      if (response.statusCode === 204) this.isFinished = true;
      else if (this.frames.length > 0) this.closedForGood = String(response.statusCode);
      response.resume();
      return;
    }
    const parser = createParser({
      onEvent: (message) => this.#note(message),
      onRetry: (ms) => {
        this.#retryMs = ms;
      },
    });
    response.setEncoding('utf8').on('data', (text: string) => parser.feed(text));
  }

  #note({ id = '', event = 'message', data }: EventSourceMessage): void {
    this.#lastId = id;
    this.frames.push({ id, event, data, at: performance.now() });
  }

  #comeBack(): void {
    if (this.#isClosed || this.isOver) return;
    this.#timer = setTimeout(() => this.connect(), this.#retryMs);
  }
}
