import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Position, startOfStream, tagAfter } from '../../src/events/position.js';
import { EndChecks } from '../../src/feed/end-checks.js';
import type { ReadCause, ReadResult } from '../../src/feed/feed-observer.js';
import { EncodedPage } from '../../src/feed/pages.js';
import type { ParkedSubscriber } from '../../src/feed/parked-subscribers.js';
import { PollTimer } from '../../src/feed/poll-timer.js';
import { DeliveryQueue, TurnQueue } from '../../src/feed/scheduler.js';
import { StreamFollower } from '../../src/feed/stream-follower.js';
import type {
  EventPage,
  StreamEnd,
  StreamId,
  StreamManager,
} from '../../src/store/stream-manager.js';
import { backends, memoryBackend, silentLogger } from '../support/backends.js';
import { answers, complete, newStream } from '../support/events.js';
import { producer } from '../support/producers.js';
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

interface FollowerSettings {
  readonly turns?: TurnQueue;
  readonly deliveries?: DeliveryQueue;
  readonly endChecks?: EndChecks;
  readonly pollTimer?: PollTimer;
  readonly lingerMs?: number;
}

function followerOf(stream: StreamId, streams: StreamManager, settings: FollowerSettings = {}) {
  const pageBudget = { bytes: 0 };
  const reads: ReadCause[] = [];
  const observer = {
    ...unobserved,
    read: (cause: ReadCause, _result: ReadResult, count = 1) => {
      reads.push(...Array<ReadCause>(count).fill(cause));
    },
  };
  const logger = silentLogger;
  const follower = new StreamFollower(stream, {
    streams,
    pollTimer: new PollTimer(60_000),
    turns: new TurnQueue(),
    deliveries: new DeliveryQueue(),
    endChecks: new EndChecks(streams, observer),
    lingerMs: 0,
    pageBudget,
    logger,
    observer,
    ...settings,
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
    const shared = { turns: new TurnQueue(), deliveries: new DeliveryQueue() };
    const ids = Array.from({ length: 40 }, newStream);
    const clients = ids.flatMap((id) => {
      const { follower } = followerOf(id, streams, shared);
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

describe('StreamFollower, where feeds wait', () => {
  async function waitingAtEnd() {
    const streams = await memoryBackend.create();
    onTestFinished(() => streams.close());
    const stream = newStream();
    const calls = { status: 0, pages: 0 };
    const store = withMethods(streams, {
      getStatus: (...args) => {
        calls.status += 1;
        return streams.getStatus(...args);
      },
      getEvents: (...args) => {
        calls.pages += 1;
        return streams.getEvents(...args);
      },
    });
    await streams.appendEvents(stream, answers(2));
    const { follower } = followerOf(stream, store);
    await follower.refresh();
    const client = new Client(follower);
    follower.users += 1;
    await streams.appendEvents(stream, answers(1));
    await waitFor('one waits at the end', () => client.position.offset === 3);
    const first = (await streams.getEvents(stream, 0, 1)).events[0];
    const position = { offset: 1, tag: first === undefined ? null : tagAfter(first) };
    calls.status = 0;
    calls.pages = 0;
    return { follower, calls, position };
  }

  it('Those that resume share the status and one page, whatever polls come between them', async () => {
    const { follower, calls, position } = await waitingAtEnd();
    for (let poll = 0; poll < 5; poll += 1) {
      for (let count = 0; count < 3; count += 1) {
        const { status, page } = follower.open(position, false);
        expect((await status).hasEnded).toBe(false);
        expect((page === null ? follower.peek(position) : await page)?.events).toHaveLength(2);
      }
      follower.poll();
    }
    expect(calls).toEqual({ status: 0, pages: 1 });
    for (let poll = 0; poll < 2; poll += 1) follower.poll();
    expect(follower.peek(position)).toBeUndefined();
  });

  it('Those whose position does not tell whether it is the same stream have the status read', async () => {
    const { follower, calls } = await waitingAtEnd();
    for (const position of [startOfStream, { offset: 1, tag: null }, null]) {
      await follower.open(position, false).status;
    }
    expect(calls.status).toBe(3);
  });

  it('One that has seen more than the others has the status read, as the stream may have ended', async () => {
    const { follower, calls } = await waitingAtEnd();
    await follower.open({ offset: 4, tag: 1 }, false).status;
    await follower.open({ offset: 3, tag: 1 }, false).status;
    expect(calls.status).toBe(2);
  });
});

describe('StreamFollower, at its polls', () => {
  /** A store whose notifications are all lost, with a record of its calls. */
  async function storeWithoutNotifications() {
    const streams = await memoryBackend.create();
    onTestFinished(() => streams.close());
    const checked: (readonly StreamEnd[])[] = [];
    const pages: number[] = [];
    const store = withMethods(streams, {
      notifiesReliably: false,
      watch: () => () => {},
      getEvents: (...args) => {
        pages.push(args[1]);
        return streams.getEvents(...args);
      },
      findMoved: (ends) => {
        checked.push(ends);
        return streams.findMoved(ends);
      },
    });
    return { store, checked, pages };
  }

  it('Many whose clients wait at the end share one request, and only those that have moved are read', async () => {
    const { store, checked, pages } = await storeWithoutNotifications();
    const ids = Array.from({ length: 30 }, newStream);
    for (const id of ids) await store.appendEvents(id, answers(1));
    const shared = {
      endChecks: new EndChecks(store, unobserved),
      pollTimer: new PollTimer(40),
      lingerMs: 60_000,
    };
    const followers = ids.map((id) => followerOf(id, store, shared).follower);
    await Promise.all(followers.map((follower) => follower.refresh()));
    const clients = followers.map((follower) => new Client(follower));
    await waitFor('each has its event, and waits at the end', () =>
      ids.every((id) => checked.flat().some(({ stream }) => stream === id)),
    );
    expect(clients.map(({ position }) => position.offset)).toEqual(ids.map(() => 1));
    const read = pages.length;
    const requests = checked.length;
    await waitFor('each was asked for ten times', () =>
      ids.every((id) => checked.flat().filter(({ stream }) => stream === id).length > 10),
    );
    expect(pages).toHaveLength(read);
    expect(checked.length - requests).toBeLessThan((checked.flat().length - requests) / 4);
    const [changed] = ids as [StreamId];
    await store.appendEvents(changed, answers(1));
    await waitFor('it has the next one', () => clients[0]?.position.offset === 2);
    expect(clients.slice(1).every(({ position }) => position.offset === 1)).toBe(true);
  });

  it('A client whose stream was replaced by one of the same length is resumed, although the new end is known', async () => {
    const { store } = await storeWithoutNotifications();
    const stream = newStream();
    await store.appendEvents(stream, answers(1), { producer: producer(0) });
    const { follower } = followerOf(stream, store, { lingerMs: 60_000 });
    await follower.refresh();
    const client = new Client(follower);
    follower.poll();
    await waitFor('it waits at the end', () => client.position.offset === 1);
    await store.deleteStream(stream);
    await store.appendEvents(stream, answers(1), { producer: producer(0, 1) });
    await follower.refresh(); // as a feed does that opens
    await follower.read(1);
    const resumed = client.pages.length;
    follower.poll();
    await waitFor('it is resumed, to find that its position is gone', () => {
      return client.pages.length > resumed && client.pages.at(-1) === undefined;
    });
  });
});
