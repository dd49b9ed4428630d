import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { backends } from '../support/backends.js';
import { answers, complete, newStream } from '../support/events.js';
import { FeedClient } from '../support/feed-client.js';
import { startApp, type TestApp } from '../support/test-app.js';
import { waitFor } from '../support/wait-for.js';
import { feedUrl } from '../support/worker.js';

type Call = 'getStatus' | 'getEvents';

/** A store whose responses to reads are held back, so that what is asked meanwhile can be seen. */
class HeldStore {
  readonly streams: StreamManager;
  /** The reads that were issued, in order. */
  calls: Call[] = [];
  #held: (() => void)[] | null = null;

  constructor(store: StreamManager) {
    this.streams = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (name !== 'getStatus' && name !== 'getEvents') return value.bind(target);
        return (...args: unknown[]) => this.#call(name, value.apply(target, args));
      },
    });
  }

  hold(): void {
    this.calls = [];
    this.#held = [];
  }

  /** @param last whether the last response comes first */
  release(last: boolean): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const answer of last ? held.reverse() : held) answer();
  }

  async #call(name: Call, answer: unknown): Promise<unknown> {
    this.calls.push(name);
    const held = this.#held;
    if (held !== null) await new Promise<void>((resolve) => held.push(resolve));
    return answer;
  }
}

const both: Call[] = ['getStatus', 'getEvents'];

describe.each(backends)('A feed that opens ($name)', (backend) => {
  let streams: Awaited<ReturnType<typeof backend.create>>;
  let store: HeldStore;
  let app: TestApp;
  beforeAll(async () => {
    streams = await backend.create();
    store = new HeldStore(streams);
    app = await startApp(store.streams, { feed: { pollIntervalMs: 60_000, lingerMs: 0 } });
  });
  afterAll(async () => {
    await app.close();
    await streams.close();
  });

  /** What was asked, but for the page that is read again when a subscription in Redis stands. */
  const statusAndPages = () => [
    ...store.calls.slice(0, 2),
    ...store.calls.slice(2).filter((name) => name !== 'getEvents'),
  ];

  /** Opens a feed. The store holds back each response until it was asked for both. */
  async function open(stream: ReturnType<typeof newStream>, query: string, last = false) {
    const { sessionId, messageId } = stream;
    store.hold();
    const opening = FeedClient.open(feedUrl(app.url, query, sessionId, messageId));
    await waitFor('both are asked for', () => store.calls.length >= 2);
    store.release(last);
    return opening;
  }

  it.each([
    ['the status comes first', false],
    ['the page comes first', true],
  ])('A feed resumes an open stream after one round trip, where %s', async (_, last) => {
    const stream = newStream();
    await streams.appendEvents(stream, answers(3));
    const feed = await open(stream, '?offset=1', last);
    await feed.frameCount(2);
    expect(feed.frames.map(({ id }) => id?.slice(0, 2))).toEqual(['2-', '3-']);
    expect(statusAndPages()).toEqual(both);
    feed.drop();
    await waitFor('nothing is watched', () => streams.watchedStreams === 0);
  });

  it.each([
    ['the status comes first', false],
    ['the page comes first', true],
  ])('GET …/stream responds 204 at the end after one round trip, where %s', async (_, last) => {
    const stream = newStream();
    await streams.appendEvents(stream, [...answers(1), complete()]);
    const feed = await open(stream, '?offset=2', last);
    expect(feed.status).toBe(204);
    expect(store.calls).toEqual(both);
  });

  it.each([
    ['the status comes first', false],
    ['the page comes first', true],
  ])('A feed replays a finished stream with one round trip, where %s', async (_, last) => {
    const stream = newStream();
    await streams.appendEvents(stream, [...answers(1), complete()]);
    const feed = await open(stream, '', last);
    await feed.end();
    expect(feed.frames).toHaveLength(2);
    expect(statusAndPages()).toEqual(both);
  });
});
