import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxEventDepth } from '../../src/events/event.js';
import { readFields } from '../../src/events/json-members.js';
import { isPlainObject, scanInSteps, scanJson } from '../../src/events/json-scan.js';
import { runAtOnce } from '../../src/time-slices.js';
import { runs } from './runs.js';

const anyLimits = { maxDepth: 1e6, maxElements: Number.POSITIVE_INFINITY, allowsProtoKeys: true };

const pieces = fc.constantFrom(
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    ' ',
    '\n',
    '"a"',
    '"a":',
    '1',
    '-',
    '0',
    '01',
    '-0',
    '1.5',
    '1.',
  ],
  ...[
    '1e5',
    '1E+5',
    '2e',
    '.5',
    'true',
    'false',
    'null',
    'nul',
    'truex',
    '"\\n"',
    '"\\x"',
    '"\\u00e9"',
  ],
  ...['"\\u00g9"', '"\\u12', '"', '\\', '"é漢"', '"\t"', '\u00a0', '\ufeff', 'NaN', "'a'"],
);

const whole = fc.json({ maxDepth: 5 });

/** JSON, and what a small change has made of it. */
const texts = fc.oneof(
  whole,
  fc.array(pieces, { maxLength: 8 }).map((list) => list.join('')),
  fc.tuple(whole, fc.nat(), fc.nat(3), pieces).map(([text, place, cut, piece]) => {
    const at = place % (text.length + 1);
    return text.slice(0, at) + piece + text.slice(at + cut);
  }),
);

describe('scanJson', () => {
  it('accepts what JSON.parse accepts and nothing else', () => {
    const count = { good: 0, bad: 0 };
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = Buffer.from(text);
        fc.pre(isUtf8(bytes) && bytes.toString() === text);
        const isGood = isJson(text);
        count[isGood ? 'good' : 'bad'] += 1;
        expect(scanJson(bytes, anyLimits).fault === null).toBe(isGood);
      }),
      { numRuns: runs(4000) },
    );
    expect(Math.min(count.good, count.bad)).toBeGreaterThan(1000);
  });

  it('finds the elements of the outermost array, and the same in steps of any size', () => {
    const values = fc.array(fc.jsonValue(), { maxLength: 5 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 20 }), (list, step) => {
        const text = Buffer.from(JSON.stringify(list, null, 1));
        const { elements, fault } = runAtOnce(scanInSteps(text, anyLimits, step));
        const found = elements.map(({ start, end }) =>
          JSON.parse(text.toString('utf8', start, end)),
        );
        expect(found).toEqual(JSON.parse(JSON.stringify(list)));
        expect(fault).toBeNull();
        expect(elements).toEqual(scanJson(text, anyLimits).elements);
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('readFields of a large text', () => {
  const names = new Set(['type', 'id', 'data']);
  const large = 'x'.repeat(5000);

  it('finds what JSON.parse finds, without the contents of objects and arrays', () => {
    const keys = fc.constantFrom('type', 'id', 'data', 'other', 'more', 'dáta', '');
    const members = fc.array(fc.tuple(keys, fc.jsonValue()), { maxLength: 8 });
    fc.assert(
      fc.property(members, fc.constantFrom('', ' ', '\n'), (list, space) => {
        const all = [...list, ['id', large] as const];
        const body = all.map(([key, value]) =>
          [JSON.stringify(key), ':', JSON.stringify(value)].join(space),
        );
        const text = `{${space}${body.join(`${space},${space}`)}${space}}`;
        const fields = readFields(Buffer.from(text), names) as Record<string, unknown>;
        const parsed = JSON.parse(text) as Record<string, unknown>;
        for (const name of names) expect(fields[name]).toEqual(shallow(parsed[name]));
        const others = Object.keys(fields).filter((name) => !names.has(name));
        const [first] = all.map(([key]) => key).filter((key) => !names.has(key));
        expect(others).toEqual(first === undefined ? [] : [first]);
      }),
      { numRuns: runs(800) },
    );
  });

  it.each([`"${large}"`, `["${large}"]`, `1${'0'.repeat(5000)}`])(
    'reads a value that is no object: %.10s',
    (text) => {
      expect(readFields(Buffer.from(text), names)).toEqual(shallow(JSON.parse(text)));
    },
  );
});

/** Pieces that a text is put together from which is nearly an object without anything special. */
const objectPieces = fc.constantFrom(
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

const objectTexts = fc.oneof(
  fc.json({ maxDepth: 5 }),
  fc.array(objectPieces, { maxLength: 12 }).map((list) => list.join('')),
  fc.array(objectPieces, { maxLength: 8 }).map((list) => `{${list.join('')}}`),
  fc.integer({ min: 60, max: 70 }).map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
  fc.integer({ min: 60, max: 70 }).map((n) => `{"a":${'['.repeat(n)}${']'.repeat(n)}}`),
  fc
    .tuple(fc.integer({ min: 60, max: 70 }), fc.integer({ min: 0, max: 5 }))
    .map(([deep, other]) => `{"a":{${'"b":{'.repeat(deep)}${'}'.repeat(deep + 1)},"a":${other}}`),
);

describe('isPlainObject', () => {
  it('accepts JSON only when scanJson accepts it', () => {
    let plain = 0;
    fc.assert(
      fc.property(objectTexts, (text) => {
        if (!isPlainObject(text, maxEventDepth) || !isJson(text)) return;
        plain += 1;
        const bytes = Buffer.from(text);
        const scan = scanJson(bytes, { maxDepth: maxEventDepth, maxElements: 1 });
        expect(scan.fault).toBeNull();
        expect(scan.isArray).toBe(false);
        expect(scan.elements).toEqual([{ start: 0, end: bytes.length }]);
      }),
      { numRuns: runs(8000) },
    );
    expect(plain).toBeGreaterThan(1000);
  });

  it.each(['"__proto__"', '"\\u005f_proto__"', '"__pr\\u006Fto__"', '"__pro\\u0074o__"'])(
    'leaves the key %s to scanJson',
    (key) => expect(isPlainObject(`{${key}:1}`, maxEventDepth)).toBe(false),
  );

  it('accepts text in any script, escaped or not, and source code', () => {
    for (const content of ['"é漢"', '"\\u00e9\\u6f22"', `"${'{[('.repeat(20)}"`]) {
      expect(isPlainObject(`{"content":${content}}`, maxEventDepth)).toBe(true);
    }
  });
});

function shallow(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  return typeof value === 'object' && value !== null ? {} : value;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
