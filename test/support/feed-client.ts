import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { waitFor } from './wait-for.js';

/**
 * One SSE connection over a real socket, parsed by a library that nobody here wrote. It does not
 * reconnect automatically: tests decide where a client goes on.
 */
export class FeedClient {
  readonly frames: EventSourceMessage[] = [];
  readonly comments: string[] = [];
  /** Everything that was received, as text. */
  raw = '';
  retryMs: number | null = null;
  hasEnded = false;
  #lastId: string | undefined;

  private constructor(
    readonly request: ClientRequest,
    readonly response: IncomingMessage,
    lastEventId: string | undefined,
  ) {
    this.#lastId = lastEventId;
    const parser = createParser({
      onEvent: (frame) => {
        this.frames.push(frame);
        this.#lastId = frame.id ?? this.#lastId;
      },
      onComment: (comment) => this.comments.push(comment),
      onRetry: (ms) => {
        this.retryMs = ms;
      },
    });
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      this.raw += text;
      parser.feed(text);
    });
    response.on('error', () => {}); // 'close' follows
    response.on('close', () => {
      this.hasEnded = true;
    });
  }

  /** Resolves with the head of the response. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<FeedClient> {
    const sent = request(url, {
      headers: { accept: 'text/event-stream', ...headers },
      agent: false,
    });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    sent.on('error', () => {}); // the response reports it
    return new FeedClient(sent, response, headers['last-event-id']);
  }

  get status(): number {
    return this.response.statusCode as number;
  }

  /** The id to resume with: of the last frame that has one, or the one that the connection began with. */
  get lastId(): string | undefined {
    return this.#lastId;
  }

  get data(): string[] {
    return this.frames.map((frame) => frame.data);
  }

  /** Waits until this many frames have come. */
  async frameCount(count: number): Promise<void> {
    await waitFor(`${count} frames`, () => this.frames.length >= count || this.hasEnded);
    if (this.frames.length < count) {
      throw new Error(`the feed ended after ${this.frames.length} of ${count} frames`);
    }
  }

  async end(): Promise<void> {
    await waitFor('the feed ends', () => this.hasEnded);
  }

  /** Drops the connection, as a tunnel does. */
  drop(): void {
    this.request.destroy();
  }
}

export function openFeed(url: string, headers?: Record<string, string>): Promise<FeedClient> {
  return FeedClient.open(url, headers);
}
