import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { DemoError } from './demo-error.js';

/** `ended`: the response has ended in good order; the next response says whether that was all. */
export type ReaderState = 'waiting' | 'live' | 'cut' | 'ended' | 'done';

/** How the network treats a reader. */
export interface Network {
  /** How long a connection lasts before it is cut. */
  connectionMs(): number;
  /** How long the reader is away then. */
  awayMs(): number;
}

export const steadyNetwork: Network = {
  connectionMs: () => Number.POSITIVE_INFINITY,
  awayMs: () => 500,
};

export const poorNetwork: Network = {
  connectionMs: () => 300 + Math.random() * 1200,
  awayMs: () => 100 + Math.random() * 400,
};

/** A browser tab that shows the text of one stream. */
export class Reader {
  state: ReaderState = 'waiting';
  /** The data of every frame, in the order in which they came. */
  readonly frames: string[] = [];
  /** The thoughts and the answer so far. */
  text = '';
  #textId = '';
  lastId: string | undefined;
  #connections = 0;
  /** What the server asks for; until it does, the usual value of browsers. */
  #retryMs = 3000;

  /** @param speed how many times shorter than real time everything is that is waited for */
  constructor(
    readonly name: string,
    readonly network: Network,
    readonly speed: number,
  ) {}

  get reconnects(): number {
    return Math.max(0, this.#connections - 1);
  }

  /** Reads from the start of the stream to its end, over as many connections as it takes. */
  async follow(streamUrl: string, signal: AbortSignal): Promise<void> {
    while (true) {
      const response = await this.#connect(streamUrl, signal);
      if (response.statusCode === 204) break;
      if (response.statusCode !== 200) throw this.#rejected(response);
      this.#connections += 1;
      this.state = 'live';
      this.state = await this.#read(response);
      const pauseMs = this.state === 'cut' ? this.network.awayMs() : this.#retryMs;
      await sleep(pauseMs / this.speed, undefined, { signal });
    }
    this.state = 'done';
  }

  async #connect(streamUrl: string, signal: AbortSignal): Promise<IncomingMessage> {
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (this.lastId !== undefined) headers['last-event-id'] = this.lastId;
    const sent = request(streamUrl, { headers, agent: false, signal });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    sent.on('error', () => {}); // the response reports it
    return response;
  }

  /** Resolves with how the connection ended. */
  async #read(response: IncomingMessage): Promise<'cut' | 'ended'> {
    const framesBefore = this.frames.length;
    const cutAt = performance.now() + this.network.connectionMs() / this.speed;
    // One a connection: what is left of a frame that was cut must not run into the next one.
    const parser = createParser({
      onEvent: (frame) => this.#take(frame),
      onRetry: (ms) => {
        this.#retryMs = ms;
      },
    });
    try {
      for await (const text of response.setEncoding('utf8') as AsyncIterable<string>) {
        const isCut = performance.now() >= cutAt && this.frames.length > framesBefore;
        parser.feed(isCut ? somewhereCut(text) : text);
        if (isCut) return 'cut'; // leaving the loop destroys the socket
      }
      return 'ended';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return 'cut';
      throw error;
    }
  }

  #take({ id, data }: EventSourceMessage): void {
    this.frames.push(data);
    this.lastId = id ?? this.lastId;
    const event = JSON.parse(data) as Readonly<Record<'id' | 'type' | 'content', string>>;
    if (event.type !== 'answer' && event.type !== 'thinking') return;
    this.text += event.id === this.#textId ? event.content : ` ${event.content}`;
    this.#textId = event.id;
  }

  #rejected(response: IncomingMessage): DemoError {
    return new DemoError(`The reader '${this.name}' got ${response.statusCode}`);
  }
}

/** A connection breaks at any byte, not between two frames. */
function somewhereCut(text: string): string {
  return text.slice(0, Math.floor(Math.random() * text.length));
}
