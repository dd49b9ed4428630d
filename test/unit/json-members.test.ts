import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findStringMember } from '../../src/events/json-members.js';
import { anyCharacter } from '../support/any-character.js';

const textOf = (json: string, name = 'content') => {
  const bytes = Buffer.from(json);
  const range = findStringMember(bytes, name);
  return range && bytes.toString('utf8', range.start, range.end);
};

describe('findStringMember', () => {
  it('finds in any object what JSON.parse reads', () => {
    const object = fc.dictionary(
      fc.oneof(fc.constantFrom('content', 'é', '"', '\\'), fc.string()),
      fc.oneof(fc.string({ unit: anyCharacter }), fc.jsonValue()),
    );
    fc.assert(
      fc.property(object, fc.constantFrom(0, 1), (value, indent) => {
        const read = JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
        for (const name of ['content', 'é', '"', '\\']) {
          const expected = Object.hasOwn(read, name) ? read[name] : undefined;
          const found = textOf(JSON.stringify(value, null, indent), name);
          const isText = typeof expected === 'string';
          expect(found === null ? undefined : JSON.parse(found)).toBe(
            isText ? expected : undefined,
          );
        }
      }),
    );
  });

  it('does not find a nested member, nor text that looks like one', () => {
    expect(
      textOf('{"data":{"content":"no"},"x":["content","no"],"y":"\\"content\\":\\"no\\""}'),
    ).toBe(null);
  });

  it('finds the last of several members, however its name is escaped and spaced', () => {
    expect(textOf('{"content":"a","content":"b"}')).toBe('"b"');
    expect(textOf('{"content":1, "c\\u006fntent"\t: "b" }')).toBe('"b"');
  });
});
