import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Position, startOfStream } from '../../src/events/position.js';
import { EncodedPage } from '../../src/feed/encoded-page.js';
import { type ReadCause, unobserved } from '../../src/feed/feed-observer.js';
import { PageBudget } from '../../src/feed/page-cache.js';
import type { ParkedSubscriber } from '../../src/feed/parked-subscribers.js';
import { StreamFollower } from '../../src/feed/stream-follower.js';
import { TimerWheel } from '../../src/feed/timer-wheel.js';
import { TurnQueue } from '../../src/feed/turns.js';
import type { StreamId } from '../../src/store/stream-id.js';
import type { EventPage, StreamManager } from '../../src/store/stream-manager.js';
import { backends, memoryBackend, silentLogger } from '../support/backends.js';
import { answers, newStream } from '../support/events.js';
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
  const pageBudget = new PageBudget();
  const reads: ReadCause[] = [];
  const observer = { ...unobserved, read: (cause: ReadCause) => void reads.push(cause) };
  const timerWheel = new TimerWheel(60_000);
  const logger = silentLogger;
  const follower = new StreamFollower(stream, {
    streams,
    timerWheel,
    turns,
    lingerMs: 0,
    pageBudget,
    logger,
    observer,
  });
  onTestFinished(() => follower.close());
  return { follower, reads, pageBudget };
}

describe.each(backends)('the follower of a stream ($name)', (backend) => {
  let streams: Awaited<ReturnType<typeof backend.create>>;
  beforeAll(async () => {
    streams = await backend.create();
  });
  afterAll(() => streams.close());

  it('hands its one feed what it is woken for, of one read, and keeps no page', async () => {
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

  it('keeps a page where two follow, for the one that comes to it later', async () => {
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

  it('hands a page also to who came while it was read', async () => {
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

  it('hands out no page of a stream that is another one by then', async () => {
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
});

/** The same store, where something happens between a read and its answer. */
function readingThen(
  streams: StreamManager,
  happen: (page: EventPage) => Promise<void>,
): StreamManager {
  return new Proxy(streams, {
    get: (target, name) => {
      if (name === 'getEvents') {
        return async (...args: Parameters<StreamManager['getEvents']>) => {
          const page = await target.getEvents(...args);
          await happen(page);
          return page;
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('The readers of many streams', () => {
  it('that are woken together share a turn of the event loop, and let few feeds go in each', async () => {
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
