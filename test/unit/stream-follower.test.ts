import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Position, startOfStream } from '../../src/events/position.js';
import type { ReadCause } from '../../src/feed/feed-observer.js';
import { EncodedPage } from '../../src/feed/pages.js';
import type { ParkedSubscriber } from '../../src/feed/parked-subscribers.js';
import { PollTimer } from '../../src/feed/poll-timer.js';
import { TurnQueue } from '../../src/feed/scheduler.js';
import { StreamFollower } from '../../src/feed/stream-follower.js';
import type { EventPage, StreamId, StreamManager } from '../../src/store/stream-manager.js';
import { backends, memoryBackend, silentLogger } from '../support/backends.js';
import { answers, complete, newStream } from '../support/events.js';
import { unobserved } from '../support/unobserved.js';
import { waitFor } from '../support/wait-for.js';

/** Takes what is at hand when it is let go, and waits again behind that. */
class Client implements ParkedSubscriber {
  previous: ParkedSubscriber | null = null;
  next: ParkedSubscriber | null = null;
  place = 0;
  position: Position = startOfStream;
  /** What was at hand, once for each time it was let go. */
  readonly pages: (EncodedPage | undefined)[] = [];

  constructor(readonly follower: StreamFollower) {
    follower.users += 1;
    follower.park(this);
  }

  resume(): void {
    const page = this.follower.peek(this.position);
    this.pages.push(page);
    this.position = page?.next ?? this.position;
    this.follower.park(this);
  }
}

function followerOf(stream: StreamId, streams: StreamManager, turns = new TurnQueue()) {
  const pageBudget = { bytes: 0 };
  const reads: ReadCause[] = [];
  const observer = { ...unobserved, read: (cause: ReadCause) => void reads.push(cause) };
  const pollTimer = new PollTimer(60_000);
  const logger = silentLogger;
  const follower = new StreamFollower(stream, {
    streams,
    pollTimer,
    turns,
    lingerMs: 0,
    pageBudget,
    logger,
    observer,
  });
  onTestFinished(() => follower.close());
  return { follower, reads, pageBudget };
}

describe.each(backends)('StreamFollower ($name)', (backend) => {
  let streams: Awaited<ReturnType<typeof backend.create>>;
  beforeAll(async () => {
    streams = await backend.create();
  });
  afterAll(() => streams.close());

  it('A follower with one subscriber delivers a notified page from one read and caches nothing', async () => {
    const stream = newStream();
    const { follower, reads, pageBudget } = followerOf(stream, streams);
    const client = new Client(follower);
    await streams.appendEvents(stream, answers(2));
    await waitFor('it has both', () => client.position.offset === 2);
    expect(client.pages).toHaveLength(1);
    expect(reads.filter((cause) => cause === 'catch_up')).toEqual([]);
    expect(pageBudget.bytes).toBe(0);
    await waitFor('no page is kept', () => follower.peek(startOfStream) === undefined);
  });

  it('A follower with two subscribers caches a page for the one that reaches it later', async () => {
    const stream = newStream();
    const { follower, reads, pageBudget } = followerOf(stream, streams);
    const client = new Client(follower);
    follower.users += 1;
    await streams.appendEvents(stream, answers(2));
    await waitFor('one has both', () => client.position.offset === 2);
    expect(pageBudget.bytes).toBeGreaterThan(0);
    expect(follower.peek(startOfStream)?.events).toHaveLength(2);
    expect(reads.filter((cause) => cause === 'catch_up')).toEqual([]);
    follower.close();
    expect(pageBudget.bytes).toBe(0);
  });

  it('A page is delivered to a subscriber that parked while it was read, too', async () => {
    const stream = newStream();
    const late: Client[] = [];
    const { follower, pageBudget } = followerOf(
      stream,
      readingThen(streams, async ({ events }) => {
        if (events.length > 0 && late.length === 0) late.push(new Client(follower));
      }),
    );
    const first = new Client(follower);
    await streams.appendEvents(stream, answers(1));
    await waitFor('both have it', () =>
      [first, ...late].every(({ position }) => position.offset === 1),
    );
    expect(late).toHaveLength(1);
    expect(late[0]?.pages).toHaveLength(1);
    expect(pageBudget.bytes).toBeGreaterThan(0);
  });

  it('A page of a stream that was replaced while it was read is not delivered', async () => {
    const stream = newStream();
    let restarts = 0;
    const { follower } = followerOf(
      stream,
      readingThen(streams, async (page) => {
        if (page.events.length === 0 || restarts > 0) return;
        restarts += 1;
        await follower.findReset(EncodedPage.of(page));
      }),
    );
    const client = new Client(follower);
    await streams.appendEvents(stream, answers(1));
    await waitFor('it was let go', () => client.pages.length > 0);
    expect(restarts).toBe(1);
    expect(client.pages[0]).toBeUndefined();
  });

  it('A page that is older than the status requested with it is read again', async () => {
    const stream = newStream();
    await streams.appendEvents(stream, answers(1));
    const appended = new AbortController();
    const offsets: number[] = [];
    const { follower } = followerOf(
      stream,
      withMethods(streams, {
        watch: () => () => {}, // as if notifications were lost
        getStatus: async (...args) => {
          await aborted(appended.signal);
          return streams.getStatus(...args);
        },
        getEvents: async (id, offset, limit) => {
          const page = await streams.getEvents(id, offset, limit);
          if (offsets.push(offset) === 1) await streams.appendEvents(stream, answers(1));
          appended.abort();
          return page;
        },
      }),
    );
    const { status, page } = follower.open({ offset: 1, tag: null }, false);
    expect((await status).end.offset).toBe(2);
    expect((await page)?.events).toHaveLength(1);
    expect(offsets).toEqual([1, 1]);
  });

  it('A status that lacks the end that was read with it is requested again', async () => {
    const stream = newStream();
    await streams.appendEvents(stream, answers(1));
    const [told, read] = [new AbortController(), new AbortController()];
    let statuses = 0;
    const { follower } = followerOf(
      stream,
      withMethods(streams, {
        watch: () => () => {},
        getStatus: async (...args) => {
          const info = await streams.getStatus(...args);
          statuses += 1;
          told.abort();
          await aborted(read.signal);
          return info;
        },
        getEvents: async (...args) => {
          await aborted(told.signal);
          await streams.appendEvents(stream, [complete()]);
          const page = await streams.getEvents(...args);
          setImmediate(() => read.abort());
          return page;
        },
      }),
    );
    const { status, page } = follower.open(startOfStream, false);
    expect((await status).hasEnded).toBe(true);
    expect((await page)?.events).toHaveLength(2);
    expect(follower.isOver()).toBe(true);
    expect(statuses).toBe(2);
  });
});

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** The same store, but for some methods. */
function withMethods(streams: StreamManager, methods: Partial<StreamManager>): StreamManager {
  return new Proxy(streams, {
    get: (target, name) => {
      const replaced: unknown = Reflect.get(methods, name);
      if (replaced !== undefined) return replaced;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The same store, where something happens between a read and its response. */
function readingThen(
  streams: StreamManager,
  happen: (page: EventPage) => Promise<void>,
): StreamManager {
  return withMethods(streams, {
    getEvents: async (...args) => {
      const page = await streams.getEvents(...args);
      await happen(page);
      return page;
    },
  });
}

describe('StreamFollower, of many streams', () => {
  it('Followers that are notified together share a turn of the event loop, and resume few subscribers in each', async () => {
    const streams = await memoryBackend.create();
    onTestFinished(() => streams.close());
    const turns = new TurnQueue();
    const ids = Array.from({ length: 40 }, newStream);
    const clients = ids.flatMap((id) => {
      const { follower } = followerOf(id, streams, turns);
      return Array.from({ length: 100 }, () => new Client(follower));
    });
    for (const id of ids) await streams.appendEvents(id, answers(1));
    const countServed = () => clients.filter(({ position }) => position.offset === 1).length;
    let most = 0;
    for (let before = 0; before < clients.length; ) {
      await nextTurn();
      const count = countServed();
      most = Math.max(most, count - before);
      before = count;
    }
    // 500 in each, of which there may be two between two looks.
    expect(most).toBeLessThanOrEqual(1000);
  });
});
