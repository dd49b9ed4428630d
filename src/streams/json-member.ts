import { type ByteRange, endOfString, skipSpace } from './json-scan.js';

const quote = 0x22;
const colon = 0x3a;

/** What a byte outside of strings does to the depth. */
const depthChanges: ReadonlyMap<number, 1 | -1> = new Map([
  [0x7b, 1],
  [0x5b, 1],
  [0x7d, -1],
  [0x5d, -1],
]);

/**
 * Where the member of this name has its text, in its quotes. Of members of one name the last counts,
 * as for `JSON.parse`; those whose value is no string are passed over.
 *
 * @param object JSON of one object
 */
export function findStringMember(object: Buffer, name: string): ByteRange | null {
  let found: ByteRange | null = null;
  let depth = 0;
  let at = 0;
  while (at < object.length) {
    if (object[at] !== quote) {
      depth += depthChanges.get(object[at] as number) ?? 0;
      at += 1;
      continue;
    }
    const { end, escaped } = endOfString(object, at);
    const value = depth === 1 ? stringAfterColon(object, end) : null;
    if (value !== null && isNamed(object.subarray(at, end), escaped, name)) found = value;
    at = value?.end ?? end;
  }
  return found;
}

/** Null when the string before is no key, or what it is the key of is no string. */
function stringAfterColon(text: Buffer, from: number): ByteRange | null {
  const colonAt = skipSpace(text, from);
  if (text[colonAt] !== colon) return null;
  const start = skipSpace(text, colonAt + 1);
  return text[start] === quote ? { start, end: endOfString(text, start).end } : null;
}

/** @param key with its quotes */
function isNamed(key: Buffer, escaped: boolean, name: string): boolean {
  const text = key.toString('utf8');
  return escaped ? JSON.parse(text) === name : text.slice(1, -1) === name;
}
