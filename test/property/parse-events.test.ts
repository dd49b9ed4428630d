import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventSchema } from '../../src/events/event.js';
import { parseEvents } from '../../src/events/parse-events.js';
import { anyCharacter } from '../support/any-character.js';

const limits = { maxEventBytes: 1024 ** 2 };
const spaces = fc.constantFrom(undefined, 1, 3, '\t', '\n', '\r\n ');

const data = fc
  .dictionary(fc.string({ unit: anyCharacter }), fc.jsonValue({ stringUnit: anyCharacter }), {
    noNullPrototype: true,
  })
  .filter((value) => !JSON.stringify(value).includes('__proto__'));

const valid = fc.record(
  {
    type: fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/),
    id: fc.string({ unit: anyCharacter, maxLength: 64 }),
    content: fc.string({ unit: anyCharacter }),
    done: fc.boolean(),
    timestamp: fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
      .map((d) => d.toISOString()),
    data,
  },
  { requiredKeys: ['type'], noNullPrototype: true },
);

describe('parseEvents', () => {
  it('keeps the given fields and adds the missing ones and no others', () => {
    fc.assert(
      fc.property(fc.array(valid, { minLength: 1, maxLength: 5 }), spaces, (events, space) => {
        const sent = JSON.parse(JSON.stringify(events));
        const text = JSON.stringify(events, null, space as never);
        const stored = parseEvents(Buffer.from(text), limits);
        expect(stored).toHaveLength(sent.length);
        for (const [index, { bytes }] of stored.entries()) {
          expect(bytes.includes(0x0a) || bytes.includes(0x0d)).toBe(false);
          const { id, content, done, timestamp, ...rest } = JSON.parse(bytes.toString());
          expect({ id, content, done, timestamp, ...rest }).toMatchObject(sent[index]);
          expect(typeof id).toBe('string');
          expect(typeof content).toBe('string');
          expect(typeof done).toBe('boolean');
          expect(Date.parse(timestamp)).not.toBeNaN();
          expect(Object.keys(rest).sort()).toEqual(
            'data' in sent[index] ? ['data', 'type'] : ['type'],
          );
        }
      }),
    );
  });

  it('keeps the bytes of the request at the start of the event', () => {
    fc.assert(
      fc.property(valid, (event) => {
        const text = JSON.stringify(event);
        const [stored] = parseEvents(Buffer.from(text), limits);
        expect(stored?.bytes.subarray(0, Buffer.byteLength(text) - 1)).toEqual(
          Buffer.from(text).subarray(0, -1),
        );
      }),
    );
  });

  it('rejects an event exactly when the schema rejects it', () => {
    const almost = fc.record(
      {
        type: fc.oneof(fc.string(), fc.constantFrom('answer', 'a b', '', '1a'), fc.jsonValue()),
        id: fc.oneof(fc.string({ maxLength: 200 }), fc.jsonValue()),
        content: fc.oneof(fc.string(), fc.jsonValue()),
        done: fc.oneof(fc.boolean(), fc.jsonValue()),
        timestamp: fc.oneof(
          fc.string(),
          fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T24:00:00Z'),
        ),
        data: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })), fc.jsonValue()),
        extra: fc.jsonValue(),
      },
      { requiredKeys: [], noNullPrototype: true },
    );
    /** A valid event with one field of another. */
    const nearly = fc.tuple(valid, almost, fc.nat(6)).map(([event, other, which]) => ({
      ...event,
      ...Object.fromEntries(Object.entries(other).slice(which, which + 1)),
    }));
    const counts = { valid: 0, rejected: 0 };
    fc.assert(
      fc.property(fc.oneof(nearly, almost, fc.jsonValue()), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!text.includes('__proto__') && !text.startsWith('['));
        const isValid = eventSchema.safeParse(JSON.parse(text)).success;
        counts[isValid ? 'valid' : 'rejected'] += 1;
        const encode = () => parseEvents(Buffer.from(text), limits);
        if (isValid) expect(encode()).toHaveLength(1);
        else expect(encode).toThrow(expect.objectContaining({ code: 'invalid_event' }));
      }),
      { numRuns: 500 },
    );
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(50);
  });

  it('rejects bytes that are not JSON with an error of the contract', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const body = Buffer.from(bytes);
        expect(() => parseEvents(body, limits)).toThrow(
          expect.objectContaining({ name: 'ServiceError' }),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('rejects a body that was cut or changed in one byte, or stores JSON', () => {
    fc.assert(
      fc.property(valid, fc.nat(), fc.nat(255), (event, place, byte) => {
        const body = Buffer.from(JSON.stringify([event, event]));
        body[place % body.length] = byte;
        try {
          for (const stored of parseEvents(body, limits)) JSON.parse(stored.bytes.toString());
        } catch (error) {
          expect(error).toMatchObject({ name: 'ServiceError' });
        }
      }),
      { numRuns: 500 },
    );
  });
});
