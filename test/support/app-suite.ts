import { afterAll, beforeAll, describe } from 'vitest';
import { type Backend, type BackendOptions, backends } from './backends.js';
import { type FeedClient, openFeed } from './feed-client.js';
import { startApp, type TestApp, type TestAppOptions } from './test-app.js';
import { eventsUrl, feedUrl, post } from './worker.js';

type BackendStreams = Awaited<ReturnType<Backend['create']>>;

let count = 0;

/** One stream of a running app, with what a test does to it. */
export class TestStream {
  readonly sid = `s${process.pid}`;
  readonly mid: string;

  constructor(readonly app: TestApp) {
    count += 1;
    this.mid = `m${count}`;
  }

  get eventsUrl(): string {
    return eventsUrl(this.app.url, this.sid, this.mid);
  }

  get url(): string {
    return this.eventsUrl.replace(/\/events$/, '');
  }

  /** Of the stream, as raw requests have it. */
  get path(): string {
    return new URL(this.url).pathname;
  }

  get id() {
    return { sessionId: this.sid, messageId: this.mid };
  }

  post(body: unknown, headers?: Record<string, string>) {
    return post(this.eventsUrl, body, headers);
  }

  /** Posts `count` answers in one array. */
  postAnswers(count: number, from = 0) {
    const event = (index: number) => ({ type: 'answer', content: `chunk ${from + index}` });
    return this.post(Array.from({ length: count }, (_, index) => event(index)));
  }

  feed(query = '', headers?: Record<string, string>): Promise<FeedClient> {
    return openFeed(feedUrl(this.app.url, query, this.sid, this.mid), headers);
  }
}

export interface AppSource {
  readonly app: TestApp;
  readonly backend: (typeof backends)[number]['name'];
  readonly streams: BackendStreams;
  /** A stream that no other test uses. */
  stream(): TestStream;
}

interface SuiteOptions extends TestAppOptions {
  readonly backend?: BackendOptions;
  /** By default both. */
  readonly on?: readonly Backend<'memory' | 'redis'>[];
  /** For tests that mostly wait: all at once, on both backends. */
  readonly isConcurrent?: boolean;
}

/** Runs the same tests against a listening app on each backend. */
export function describeApp(
  title: string,
  options: SuiteOptions,
  tests: (source: AppSource) => void,
): void {
  const suite = options.isConcurrent ? describe.concurrent : describe;
  suite.each(options.on ?? backends)(`${title} ($name)`, (backend) => {
    let app: TestApp;
    let streams: BackendStreams;
    beforeAll(async () => {
      streams = await backend.create(options.backend);
      app = await startApp(streams, { streamManager: { type: backend.name }, ...options });
    });
    afterAll(async () => {
      await app.close();
      await streams.close();
    });
    tests({
      backend: backend.name,
      get app() {
        return app;
      },
      get streams() {
        return streams;
      },
      stream: () => new TestStream(app),
    });
  });
}
