import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../src/events/event.js';
import {
  matches,
  type Position,
  startOfStream,
  tagAfter,
  tagAt,
} from '../../src/events/position.js';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { backends } from '../support/backends.js';
import { answer, complete, newStream, texts, title } from '../support/events.js';
import { runs } from './runs.js';

/** What may happen to one stream and its readers, in any order. */
type Step =
  | { readonly kind: 'append'; readonly count: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'title' }
  | { readonly kind: 'read'; readonly reader: number; readonly limit: number }
  /** The reader's connection drops: the page is lost, and it comes back with its last id. */
  | { readonly kind: 'drop'; readonly reader: number };

const readerCount = 3;
const reader = fc.nat(readerCount - 1);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('append'), count: fc.integer({ min: 1, max: 20 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('end') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('title') }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('read'),
      reader,
      limit: fc.integer({ min: 1, max: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('drop'), reader }) },
) as fc.Arbitrary<Step>;

/** What a stream must be: the events in order, and whether it has ended. */
class Model {
  readonly events: StoredEvent[] = [];
  hasEnded = false;

  rejects(step: Step): boolean {
    if (step.kind === 'title') return false;
    return this.hasEnded;
  }
}

class Reader {
  readonly got: StoredEvent[] = [];
  position: Position = startOfStream;

  async read(manager: StreamManager, stream: ReturnType<typeof newStream>, limit: number) {
    const page = await manager.getEvents(stream, this.position.offset, limit);
    expect(matches(this.position, tagAt(this.position.offset, page.before))).toBe(true);
    this.got.push(...page.events);
    const last = page.events.at(-1);
    if (last !== undefined) this.position = { offset: page.nextOffset, tag: tagAfter(last) };
    return page;
  }
}

describe.each(backends)(
  'Any interleaving of appends, reads, drops and resumes ($name)',
  (backend) => {
    it('gives each reader each event once, in order', async () => {
      const manager = await backend.create();
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
          const stream = newStream();
          const model = new Model();
          const readers = Array.from({ length: readerCount }, () => new Reader());
          for (const each of steps) await take(each, manager, stream, model, readers);
          for (const each of readers) {
            while (!(await each.read(manager, stream, 1000)).atEnd);
            expect(texts(each.got)).toEqual(texts(model.events));
          }
        }),
        { numRuns: runs(40) },
      );
      await manager.close();
    });
  },
);

async function take(
  step: Step,
  manager: StreamManager,
  stream: ReturnType<typeof newStream>,
  model: Model,
  readers: Reader[],
): Promise<void> {
  if (step.kind === 'read') {
    await readers[step.reader]?.read(manager, stream, step.limit);
    return;
  }
  if (step.kind === 'drop') {
    await manager.getEvents(stream, readers[step.reader]?.position.offset ?? 0, 5);
    return;
  }
  const events = eventsOf(step, model);
  if (model.rejects(step)) {
    await expect(manager.appendEvents(stream, events)).rejects.toMatchObject({
      code: 'stream_ended',
    });
    return;
  }
  const offset = model.events.length;
  const nextOffset = offset + events.length;
  expect(await manager.appendEvents(stream, events)).toMatchObject({ offset, nextOffset });
  model.events.push(...events);
  if (step.kind === 'end') model.hasEnded = true;
}

function eventsOf(step: Step, model: Model): StoredEvent[] {
  if (step.kind === 'end') return [complete()];
  if (step.kind === 'title') return [title()];
  const count = step.kind === 'append' ? step.count : 0;
  return Array.from({ length: count }, (_, index) => answer(`${model.events.length + index}`));
}
