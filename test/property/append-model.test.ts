import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/errors.js';
import type { StoredEvent } from '../../src/events/event.js';
import { type StreamId, type StreamManager, streamKey } from '../../src/store/stream-manager.js';
import { memoryBackend, redisBackend, sharedRedis } from '../support/backends.js';
import { newStream, stored, texts } from '../support/events.js';
import { inputsOf } from '../support/inputs.js';
import { ModelStream, type Outcome } from '../support/model-stream.js';
import { runs } from './runs.js';

const maxStreamEvents = 15;
const maxStreamInputs = 6;
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
  | {
      readonly does: 'append';
      readonly kinds: Kind[];
      readonly as?: Sender;
      readonly acks?: number;
    }
  | { readonly does: 'send'; readonly inputs: readonly Input[] }
  | { readonly does: 'status'; readonly id: string }
  | { readonly does: 'renew'; readonly id: string; readonly epoch: number; readonly acks?: number }
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
const acks = fc.nat(maxStreamInputs + 1);
const input = fc.record({ id: fc.constantFrom(...'abcdefgh'), content: fc.nat(8) });
const inputs = fc.uniqueArray(input, { minLength: 1, maxLength: 4, selector: (one) => one.id });
const append = fc.record(
  {
    does: fc.constant('append' as const),
    kinds: fc.array(kind, { minLength: 1, maxLength: 5 }),
    as: fc.record({ id, epoch, offBy }),
    acks,
  },
  { requiredKeys: ['does', 'kinds'] },
);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: append as fc.Arbitrary<Command> },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('send' as const), inputs }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('status' as const), id }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('renew' as const), id, epoch, acks }) },
);
const deletion: fc.Arbitrary<Command> = fc.constant({ does: 'delete' });
const maxLength = 40;

describe('Any sequence of appends with producers', () => {
  let memory: StreamManager;
  let redis: StreamManager;
  let client: Redis;
  beforeAll(async () => {
    const limits = { maxStreamEvents, maxStreamInputs };
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
  const model = new ModelStream(maxStreamEvents, maxStreamInputs);
  for (const each of commands) {
    const ask = await prepare(each, model);
    const expected = ask.model();
    if (each.does === 'delete') await deleteList();
    for (const store of stores) expect(await ask.store(store, stream)).toEqual(expected);
  }
  for (const store of stores) {
    const { events } = await store.getEvents(stream, 0, 1000);
    expect(texts(events)).toEqual(texts(model.events));
    const page = await store.getEvents({ ...stream, log: 'inputs' }, 0, 1000);
    expect(texts(page.events)).toEqual(texts(model.inputs));
  }
}

interface Question {
  model(): Outcome;
  store(store: StreamManager, stream: StreamId): Promise<Outcome>;
}

async function prepare(command: Command, model: ModelStream): Promise<Question> {
  switch (command.does) {
    case 'append':
      return appending(eventsOf(command.kinds), command, model);
    case 'send':
      return sending(command.inputs, model);
    case 'status':
      return {
        model: () => model.info(command.id),
        store: async (store, stream) => statusOf(await store.getStatus(stream, command.id)),
      };
    case 'renew':
      return {
        model: () => model.renew(command, command.acks),
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

interface Input {
  readonly id: string;
  readonly content: number;
}

async function sending(inputs: readonly Input[], model: ModelStream): Promise<Question> {
  // Mostly the same content, so that there are repetitions as well as conflicts.
  const sent = inputs.map(({ id, content }) => {
    return { type: 'message', id, content: String(Math.min(content, 1)), timestamp };
  });
  const records = await inputsOf(...sent);
  return {
    model: () => model.send(records),
    store: (store, stream) =>
      store.appendInputs(stream, records).then((done) => done && { ...done }, toOutcome),
  };
}

const timestamp = '2026-01-01T00:00:00Z';

function appending(
  events: StoredEvent[],
  { as, acks: inputsAckOffset }: { readonly as?: Sender; readonly acks?: number },
  model: ModelStream,
): Question {
  const seq = as && Math.max(model.expectedSeq(as.id, as.epoch) + as.offBy, 0);
  const producer = as && { id: as.id, epoch: as.epoch, seq: seq as number };
  return {
    model: () => model.append(events, { producer, inputsAckOffset }),
    store: (store, stream) =>
      store
        .appendEvents(stream, events, { producer, inputsAckOffset })
        .then((done) => ({ ...done }), toOutcome),
  };
}

function renewal(
  store: StreamManager,
  stream: StreamId,
  { id, epoch, acks }: { id: string; epoch: number; acks?: number },
) {
  const renewal = { leaseMs: 60_000, producer: { id, epoch }, inputsAckOffset: acks };
  return store.renewLease(stream, renewal).then((info) => {
    if (info === null) return null;
    return { nextOffset: info.nextOffset, status: info.status, inputs: info.inputs };
  }, toOutcome);
}

function statusOf(info: Awaited<ReturnType<StreamManager['getStatus']>>): Outcome {
  if (info === null) return null;
  const { nextOffset, status, producer, inputs } = info;
  return { nextOffset, status, producer, inputs };
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
