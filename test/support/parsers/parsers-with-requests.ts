import { EventEmitter } from 'node:events';
import http, { type RequestOptions } from 'node:http';
import { createRequire } from 'node:module';
import { type FeedParser, NotingClient, type ParsedEvent } from './feed-parser.js';

type OnResponse = (response: EventEmitter) => void;

interface EventSourceLike {
  addEventListener(type: string, listener: (event: ParsedEvent) => void): void;
}

type EventSourceClass = new (url: string) => EventSourceLike;

/** A client whose parser is within: it is given its responses in place of `http.request`. */
class RequestingClient extends NotingClient {
  #onResponse: OnResponse = () => {};
  #reconnect: () => void;

  constructor(Source: EventSourceClass, types: readonly string[]) {
    super();
    this.#reconnect = () => {
      const source = new Source('http://127.0.0.1/');
      for (const type of types) {
        source.addEventListener(type, ({ data }) => this.note(type, data));
      }
    };
    this.#awaitRequest(() => {});
  }

  receive(bytes: Buffer): void {
    const response = Object.assign(new EventEmitter(), { statusCode: 200, headers: {} });
    this.#awaitRequest(() => {
      this.#onResponse(response);
      response.emit('data', bytes);
      response.emit('close');
    });
  }

  /** Has the client do what leads to its next request, at once and not after its wait. */
  #awaitRequest(action: () => void): void {
    const { request } = http;
    const { setTimeout } = globalThis;
    http.request = ((...args: readonly unknown[]) => this.#onRequest(args)) as typeof request;
    globalThis.setTimeout = ((callback: () => void) => {
      this.#reconnect = callback;
    }) as unknown as typeof setTimeout;
    try {
      action();
      this.#reconnect();
    } finally {
      http.request = request;
      globalThis.setTimeout = setTimeout;
    }
  }

  #onRequest(args: readonly unknown[]): EventEmitter {
    const { headers } = args.at(-2) as RequestOptions;
    this.lastId = String((headers as Record<string, string>)['Last-Event-ID'] ?? '');
    this.#onResponse = args.at(-1) as OnResponse;
    return Object.assign(new EventEmitter(), { end: () => {} });
  }
}

const require = createRequire(import.meta.url);

/** Clients that take events of these types. */
export function parsersWithRequests(types: readonly string[]): readonly FeedParser[] {
  const eventSource2 = require('eventsource-2') as EventSourceClass;
  const launchDarkly = require('launchdarkly-eventsource') as { EventSource: EventSourceClass };
  return [
    { name: 'eventsource 2', create: () => new RequestingClient(eventSource2, types) },
    {
      name: 'launchdarkly-eventsource 2',
      create: () => new RequestingClient(launchDarkly.EventSource, types),
    },
  ];
}
