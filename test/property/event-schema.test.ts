import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventSchema, maxIdLength } from '../../src/events/event.js';
import { parseEvents } from '../../src/events/parse-events.js';
import { isPlainEvent } from '../../src/events/plain-event.js';
import { anyCharacter } from '../support/any-character.js';
import { runs } from './runs.js';

const times = fc.oneof(
  fc.constantFrom(
    '2026-02-29T00:00:00Z',
    '2024-02-29T00:00:00Z',
    '2026-04-31T10:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:00:60Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00+02:00',
    '2026-01-01 00:00:00Z',
    '2026-01-01T00:00:00Z\n',
    '0000-01-01T00:00:00Z',
  ),
  fc
    .date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
    .map((d) => d.toISOString()),
  fc.stringMatching(/^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d(\.\d{1,9})?(Z|\+\d\d:\d\d)$/),
);

const anything = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(undefined, null, '', 0, [], {}, Number.NaN),
);

/** Events, and what is nearly one: each field right, wrong or missing, and fields of no event. */
const nearlyEvents = fc.record(
  {
    type: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('answer', 'thinking', 'tool_call', 'a'.repeat(64)) },
      fc.constantFrom('', '1a', 'a b', 'a\n', 'a'.repeat(65), 'é', '__proto__'),
      anything,
    ),
    id: fc.oneof(
      fc.string({ unit: anyCharacter }),
      fc.constantFrom(...[0, 1, 2].map((more) => 'é'.repeat(maxIdLength + more))),
      anything,
    ),
    content: fc.oneof({ weight: 3, arbitrary: fc.string({ unit: anyCharacter }) }, anything),
    done: fc.oneof({ weight: 3, arbitrary: fc.boolean() }, anything),
    timestamp: fc.oneof({ weight: 3, arbitrary: times }, anything),
    data: fc.oneof({ weight: 3, arbitrary: fc.dictionary(fc.string(), fc.jsonValue()) }, anything),
    more: anything,
    constructor: anything,
  },
  { requiredKeys: [], noNullPrototype: true },
);

const rightTimes = fc
  .date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
  .map((date) => date.toISOString());

/** Events with right fields only, but for times on days that not every month has. */
const rightEvents = fc.record(
  {
    type: fc.constantFrom('answer', 'thinking', 'tool_call', 'a'.repeat(64)),
    id: fc.string({ maxLength: 32, unit: anyCharacter }),
    content: fc.string({ unit: anyCharacter }),
    done: fc.boolean(),
    timestamp: rightTimes,
    data: fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
  },
  { requiredKeys: ['type'], noNullPrototype: true },
);

/** One field of a right event replaced by one of another, which may be wrong. */
const oneFieldOff = fc.tuple(rightEvents, nearlyEvents, fc.nat()).map(([right, nearly, which]) => {
  const fields = Object.entries(nearly);
  return { ...right, ...Object.fromEntries(fields.slice(which % 8, (which % 8) + 1)) };
});

const withKnownFields = nearlyEvents.map((event) => {
  const { more: _, constructor: __, ...rest } = event as Record<string, unknown>;
  return rest;
});

describe('The schema of an event', () => {
  it('accepts what is plainly an event and changes nothing in it', () => {
    let taken = 0;
    const values = fc.oneof(rightEvents, oneFieldOff, nearlyEvents, withKnownFields, anything);
    fc.assert(
      fc.property(values, (value) => {
        if (!isPlainEvent(value)) return;
        // Such a key is looked for in the text, and that is rejected before.
        if (JSON.stringify(value).includes('__proto__')) return;
        taken += 1;
        const result = eventSchema.safeParse(value);
        expect(result.error).toBeUndefined();
        expect(result.data).toEqual(value);
        const text = Buffer.from(JSON.stringify(value));
        const [stored] = parseEvents(text, { maxEventBytes: 1024 ** 2 });
        expect(JSON.parse(String(stored?.bytes))).toMatchObject(JSON.parse(String(text)));
      }),
      { numRuns: runs(3000) },
    );
    expect(taken).toBeGreaterThan(500);
  });

  it('rejects what differs from an event in the kind of one field', () => {
    const wrong = fc.constantFrom<[string, readonly unknown[]]>(
      ['type', ['', '1a', 'a b', 'a\n', 'a'.repeat(65), 5, null, undefined]],
      ['id', ['x'.repeat(maxIdLength + 1), 5, null]],
      ['content', [5, null, {}]],
      ['done', ['true', 1, null]],
      ['timestamp', ['2026-02-29T00:00:00Z', '2026-01-01', '2026-01-01T24:00:00Z', 5, null]],
      ['data', [[], 'x', 5, null]],
      ['more', [1]],
    );
    const wrongEvents = fc
      .tuple(rightEvents, wrong, fc.nat())
      .map(([event, [name, values], which]) => {
        return { ...event, [name]: values[which % values.length] };
      });
    fc.assert(
      fc.property(wrongEvents, (value) => {
        expect(eventSchema.safeParse(value).success).toBe(false);
      }),
      { numRuns: runs(1000) },
    );
  });
});
