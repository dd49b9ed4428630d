import { createRequire } from 'node:module';
import type { Transform } from 'node:stream';
import { getLines, getMessages } from '@microsoft/fetch-event-source/lib/cjs/parse.js';
import { createParser } from 'eventsource-parser';
import { EventSource as ExtendedEventSource } from 'extended-eventsource';
import { ServerSentEventTransformStream } from 'parse-sse';
import { SSE } from 'sse.js';
import { type FeedParser, NotingClient, type ResponseEnd } from './feed-parser.js';

const require = createRequire(import.meta.url);

/**
 * As eventsource 3 and 4, and eventsource-client, use it: anew for each connection. The id comes with
 * its event.
 */
class ParserClient extends NotingClient {
  receive(bytes: Buffer): void {
    const { feed } = createParser({ onEvent: ({ event, data, id }) => this.note(event, data, id) });
    feed(new TextDecoder().decode(bytes, { stream: true }));
  }
}

/** Goes on with the line, and the data, that a broken connection tore. */
class WebKitClient extends NotingClient {
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({ onEvent: ({ event, data, id }) => this.note(event, data, id) });

  receive(bytes: Buffer): void {
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
  }
}

interface UndiciState {
  lastEventId: string;
}

interface UndiciEvent {
  readonly type: string;
  readonly options: { readonly data: string };
}

const { EventSourceStream } = require('undici/lib/web/eventsource/eventsource-stream.js') as {
  EventSourceStream: new (options: {
    eventSourceSettings: UndiciState;
    push: (event: UndiciEvent) => void;
  }) => Transform;
};

class UndiciClient extends NotingClient {
  readonly #state: UndiciState = { lastEventId: '' };

  receive(bytes: Buffer): void {
    const push = ({ type, options }: UndiciEvent) => this.note(type, options.data);
    const parser = new EventSourceStream({ eventSourceSettings: this.#state, push });
    parser._transform(bytes, 'utf8', () => {});
    this.lastId = this.#state.lastEventId;
  }
}

/** Notes the id at its line. A blank line without an event gives an empty message, which users skip. */
class FetchEventSourceClient extends NotingClient {
  receive(bytes: Buffer): void {
    const messages = getMessages(
      (id) => {
        this.lastId = id;
      },
      () => {},
      ({ event, data }) => {
        if (data !== '') this.note(event, data);
      },
    );
    getLines(messages)(bytes);
  }
}

/** At a complete end it takes what is left for a line, and a frame. */
class ParseSseClient extends NotingClient {
  async receive(bytes: Buffer, end: ResponseEnd): Promise<void> {
    const parser = new ServerSentEventTransformStream();
    const reading = this.#readFrom(parser.readable);
    const writer = parser.writable.getWriter();
    await writer.write(new TextDecoder().decode(bytes, { stream: true }));
    if (end === 'complete') await writer.close();
    else await new Promise((resolve) => setImmediate(resolve)); // it reads what there is
    if (end === 'broken') await writer.abort();
    await reading;
  }

  async #readFrom(events: ServerSentEventTransformStream['readable']): Promise<void> {
    try {
      for await (const { type, data, lastEventId } of events) this.note(type, data, lastEventId);
    } catch (error) {
      if (error !== undefined) throw error; // that of the abort
    }
  }
}

/** What it expects of a browser's request. */
interface SseParts {
  xhr: { readonly status: number; readonly responseText: string } | null;
  _onStreamProgress(event: object): void;
  _onStreamLoaded(event: object): void;
  _onStreamFailure(event: object): void;
}

/** At a complete end it takes what is left for a frame. */
class SseJsClient extends NotingClient {
  readonly #sse = new SSE('http://127.0.0.1/', { start: false });

  constructor(types: readonly string[]) {
    super();
    for (const type of types) {
      this.#sse.addEventListener(type, (event: Event) => {
        this.note(type, (event as unknown as { data: string }).data);
      });
    }
  }

  receive(bytes: Buffer, end: ResponseEnd): void {
    const parts = this.#sse as unknown as SseParts;
    const responseText = new TextDecoder().decode(bytes, { stream: end === 'broken' });
    parts.xhr = { status: 200, responseText };
    parts._onStreamProgress({});
    if (end === 'complete') parts._onStreamLoaded({});
    else parts._onStreamFailure({ currentTarget: parts.xhr });
    this.lastId = this.#sse.lastEventId;
  }
}

/** Its responses come from a `fetch` of ours. Like the one before, which it descends from. */
class ExtendedClient extends NotingClient {
  constructor(readonly types: readonly string[]) {
    super();
  }

  async receive(bytes: Buffer, end: ResponseEnd): Promise<void> {
    const source = new ExtendedEventSource('http://127.0.0.1/', {
      disableLogger: true,
      disableRetry: true,
      fetch: async () => responseOf(bytes, end),
    });
    for (const type of this.types) {
      source.addEventListener(type, ({ data }: MessageEvent) => {
        if (data !== '') this.note(type, data);
      });
    }
    await new Promise((resolve) => {
      source.onerror = resolve;
    });
    const { currentLastEventId } = source as unknown as { currentLastEventId?: string };
    this.lastId = currentLastEventId ?? this.lastId;
  }
}

function responseOf(bytes: Buffer, end: ResponseEnd): Response {
  let hasSent = false;
  const pull = (body: ReadableStreamDefaultController<Uint8Array>) => {
    if (!hasSent) body.enqueue(bytes);
    else if (end === 'complete') body.close();
    else body.error(new Error('terminated'));
    hasSent = true;
  };
  const body = new ReadableStream({ pull }, { highWaterMark: 0 });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

export const webKit: FeedParser = { name: 'WebKit', create: () => new WebKitClient() };

/** Those of clients that take events of all types, or of these. */
export function knownParsers(types: readonly string[]): readonly FeedParser[] {
  return [
    { name: 'eventsource-parser 3', create: () => new ParserClient() },
    { name: 'undici 6', create: () => new UndiciClient() },
    { name: 'parse-sse', create: () => new ParseSseClient() },
    { name: 'sse.js 2', create: () => new SseJsClient(types) },
    { name: '@microsoft/fetch-event-source 2', create: () => new FetchEventSourceClient() },
    { name: 'extended-eventsource 2', create: () => new ExtendedClient(types) },
  ];
}
