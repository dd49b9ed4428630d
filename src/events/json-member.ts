import { type ByteRange, endOfString, skipSpace } from './json-scan.js';

const quote = 0x22;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

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
    const byte = object[at];
    if (byte !== quote) {
      if (byte === openBrace || byte === openBracket) depth += 1;
      else if (byte === closeBrace || byte === closeBracket) depth -= 1;
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
