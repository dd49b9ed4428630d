import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlainObject, scanJson } from '../../src/events/json-scan.js';
import { isOrdinaryEvent } from '../../src/events/ordinary-event.js';
import { eventSchema, maxEventDepth, maxIdLength } from '../../src/events/stored-event.js';

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
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...[0, 1, 2].map((more) => 'é'.repeat(maxIdLength + more))),
      anything,
    ),
    content: fc.oneof({ weight: 3, arbitrary: fc.string({ unit: 'binary' }) }, anything),
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
    id: fc.string({ maxLength: 32, unit: 'binary' }),
    content: fc.string({ unit: 'binary' }),
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

describe('the quick look at an event', () => {
  it('takes nothing for an event that the schema refuses or changes', () => {
    let taken = 0;
    const values = fc.oneof(rightEvents, oneFieldOff, nearlyEvents, withKnownFields, anything);
    fc.assert(
      fc.property(values, (value) => {
        if (!isOrdinaryEvent(value)) return;
        // Such a key is looked for in the text, and that is refused before.
        if (JSON.stringify(value).includes('__proto__')) return;
        taken += 1;
        const result = eventSchema.safeParse(value);
        expect(result.error).toBeUndefined();
        expect(result.data).toEqual(value);
      }),
      { numRuns: 10_000 },
    );
    expect(taken).toBeGreaterThan(2000);
  });

  it('suffices for the events that workers send', () => {
    const timestamp = new Date(Date.UTC(2026, 10, 22)).toISOString();
    const event = {
      id: 'a',
      type: 'answer',
      content: 'Hel',
      done: false,
      timestamp,
      data: { n: 1 },
    };
    expect(isOrdinaryEvent(event)).toBe(true);
    expect(isOrdinaryEvent({ type: 'answer' })).toBe(true);
  });
});

/** Pieces that a text is put together from which is nearly an object without anything special. */
const pieces = fc.constantFrom(
  '{',
  '}',
  '[',
  ']',
  '"a":',
  '"__proto__":',
  '"\\u005f_proto__":',
  '"__pr\\u006Fto__":',
  '"__pro\\u0074o__":',
  '"\\u00e9"',
  '"\\\\u005f"',
  '1',
  '"x"',
  ',',
  ' ',
  '\n',
  'null',
);

const texts = fc.oneof(
  fc.json({ maxDepth: 5 }),
  fc.array(pieces, { maxLength: 12 }).map((list) => list.join('')),
  fc.array(pieces, { maxLength: 8 }).map((list) => `{${list.join('')}}`),
  fc.integer({ min: 60, max: 70 }).map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
  fc.integer({ min: 60, max: 70 }).map((n) => `{"a":${'['.repeat(n)}${']'.repeat(n)}}`),
  fc
    .tuple(fc.integer({ min: 60, max: 70 }), fc.integer({ min: 0, max: 5 }))
    .map(([deep, other]) => `{"a":{${'"b":{'.repeat(deep)}${'}'.repeat(deep + 1)},"a":${other}}`),
);

describe('the quick look at JSON', () => {
  it('finds nothing special in a text only when the scan finds nothing either', () => {
    let plain = 0;
    fc.assert(
      fc.property(texts, (text) => {
        if (!isPlainObject(text, maxEventDepth) || !isJson(text)) return;
        plain += 1;
        const bytes = Buffer.from(text);
        const scan = scanJson(bytes, { maxDepth: maxEventDepth, maxElements: 1 });
        expect(scan.fault).toBeNull();
        expect(scan.isArray).toBe(false);
        expect(scan.elements).toEqual([{ start: 0, end: bytes.length }]);
      }),
      { numRuns: 20_000 },
    );
    expect(plain).toBeGreaterThan(1000);
  });

  it.each(['"__proto__"', '"\\u005f_proto__"', '"__pr\\u006Fto__"', '"__pro\\u0074o__"'])(
    'leaves a key %s to the scan',
    (key) => expect(isPlainObject(`{${key}:1}`, maxEventDepth)).toBe(false),
  );

  it('suffices for text in any script, escaped or not, and for source code', () => {
    for (const content of ['"é漢"', '"\\u00e9\\u6f22"', `"${'{[('.repeat(20)}"`]) {
      expect(isPlainObject(`{"content":${content}}`, maxEventDepth)).toBe(true);
    }
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
