import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/errors.js';
import type { StoredEvent } from '../../src/events/event.js';
import { type StreamId, type StreamManager, streamKey } from '../../src/store/stream-manager.js';
import { memoryBackend, redisBackend, sharedRedis } from '../support/backends.js';
import { newStream, stored, texts } from '../support/events.js';
import { ModelStream, type Outcome } from '../support/model-stream.js';
import { runs } from './runs.js';

const maxStreamEvents = 15;
const prefix = `model-${randomUUID()}`;
const bodies = {
  answer: { type: 'answer' },
  title: { type: 'session_title' },
  complete: { type: 'complete' },
  stop: { type: 'stop' },
  failure: { type: 'error', done: true },
};

/** What may happen to one stream, in any order. */
type Command =
  | { readonly does: 'append'; readonly kinds: Kind[]; readonly as?: Sender }
  | { readonly does: 'status'; readonly id: string }
  | { readonly does: 'renew'; readonly id: string; readonly epoch: number }
  /** By another program. */
  | { readonly does: 'delete' };
type Kind = keyof typeof bodies;
/** `offBy` what is expected: retries that overlap lie below, gaps above. */
type Sender = { readonly id: string; readonly epoch: number; readonly offBy: number };

const id = fc.constantFrom('a', 'b');
const epoch = fc.nat(2);
const offBy = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: -5, max: 1 }) },
);
const kind = fc.oneof(
  { weight: 15, arbitrary: fc.constant<Kind>('answer') },
  { weight: 1, arbitrary: fc.constantFrom<Kind>('title', 'complete', 'stop', 'failure') },
);
const append = fc.record(
  {
    does: fc.constant('append' as const),
    kinds: fc.array(kind, { minLength: 1, maxLength: 5 }),
    as: fc.record({ id, epoch, offBy }),
  },
  { requiredKeys: ['does', 'kinds'] },
);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: append as fc.Arbitrary<Command> },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('status' as const), id }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('renew' as const), id, epoch }) },
);
const deletion: fc.Arbitrary<Command> = fc.constant({ does: 'delete' });
const maxLength = 40;

describe('Any sequence of appends with producers', () => {
  let memory: StreamManager;
  let redis: StreamManager;
  let client: Redis;
  beforeAll(async () => {
    const limits = { maxStreamEvents };
    memory = await memoryBackend.create({ limits });
    redis = await redisBackend.create({ limits, redis: { prefix } });
    const [address] = sharedRedis().addresses;
    client = new Redis({ ...address });
  });
  afterAll(async () => {
    await Promise.all([memory.close(), redis.close()]);
    client.disconnect();
  });

  it('has the same results on memory, on Redis and in the model', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength }), async (commands) => {
        await run(commands, [memory, redis], newStream());
      }),
      { numRuns: runs(150) },
    );
  });

  it('has the same results on Redis as in the model when another program deletes the list meanwhile', async () => {
    const any = fc.oneof({ weight: 9, arbitrary: command }, { weight: 1, arbitrary: deletion });
    await fc.assert(
      fc.asyncProperty(fc.array(any, { maxLength }), async (commands) => {
        const stream = newStream();
        const list = `${prefix}:${streamKey(stream)}`;
        await run(commands, [redis], stream, () => client.del(list));
      }),
      { numRuns: runs(150) },
    );
  });
});

/** Does the same to all stores and to the model; each has to respond as the model does. */
async function run(
  commands: readonly Command[],
  stores: readonly StreamManager[],
  stream: StreamId,
  deleteList: () => Promise<unknown> = async () => {},
): Promise<void> {
  const model = new ModelStream(maxStreamEvents);
  for (const each of commands) {
    const ask = prepare(each, model);
    const expected = ask.model();
    if (each.does === 'delete') await deleteList();
    for (const store of stores) expect(await ask.store(store, stream)).toEqual(expected);
  }
  for (const store of stores) {
    const { events } = await store.getEvents(stream, 0, 1000);
    expect(texts(events)).toEqual(texts(model.events));
  }
}

interface Question {
  model(): Outcome;
  store(store: StreamManager, stream: StreamId): Promise<Outcome>;
}

function prepare(command: Command, model: ModelStream): Question {
  switch (command.does) {
    case 'append':
      return appending(eventsOf(command.kinds), command.as, model);
    case 'status':
      return {
        model: () => model.info(command.id),
        store: async (store, stream) => statusOf(await store.getStatus(stream, command.id)),
      };
    case 'renew':
      return {
        model: () => model.renew(command),
        store: (store, stream) => renewal(store, stream, command),
      };
    case 'delete':
      return {
        model: () => {
          model.delete();
          return null;
        },
        store: async (store, stream) => statusOf(await store.getStatus(stream, 'a')),
      };
  }
}

function appending(events: StoredEvent[], as: Sender | undefined, model: ModelStream): Question {
  const seq = as && Math.max(model.expectedSeq(as.id, as.epoch) + as.offBy, 0);
  const producer = as && { id: as.id, epoch: as.epoch, seq: seq as number };
  return {
    model: () => model.append(events, producer),
    store: (store, stream) =>
      store.appendEvents(stream, events, { producer }).then((done) => ({ ...done }), toOutcome),
  };
}

function renewal(store: StreamManager, stream: StreamId, producer: { id: string; epoch: number }) {
  const { id, epoch } = producer;
  return store.renewLease(stream, { leaseMs: 60_000, producer: { id, epoch } }).then((info) => {
    if (info === null) return null;
    return { nextOffset: info.nextOffset, status: info.status };
  }, toOutcome);
}

function statusOf(info: Awaited<ReturnType<StreamManager['getStatus']>>): Outcome {
  if (info === null) return null;
  return { nextOffset: info.nextOffset, status: info.status, producer: info.producer };
}

function toOutcome(error: unknown): Outcome {
  if (!(error instanceof ServiceError)) throw error;
  return { code: error.code, ...error.details };
}

let eventCount = 0;

function eventsOf(kinds: readonly Kind[]): StoredEvent[] {
  return kinds.flatMap((each) => {
    eventCount += 1;
    return stored({ ...bodies[each], content: String(eventCount) });
  });
}
