import {
  type ByteRange,
  closeBrace,
  closeBracket,
  comma,
  endOfScalar,
  endOfString,
  openBrace,
  openBracket,
  quote,
  skipSpace,
} from './json-scan.js';

/** JSON up to this size is parsed whole, at 100 ns a byte at worst. */
const smallBytes = 4096;

/** A member of an object, in the text of the object. */
interface Member {
  /** The key with its quotes. */
  readonly key: ByteRange;
  readonly value: ByteRange;
}

/**
 * Parses JSON that `scanJson` has accepted, as far as the check of an event needs it: of an object, only
 * the members of these names and the first other one, with nested arrays and objects left empty. A
 * small text is parsed whole.
 */
export function readFields(text: Buffer, names: ReadonlySet<string>): unknown {
  if (text.length <= smallBytes) return JSON.parse(text.toString('utf8'));
  if (text[0] !== openBrace) return readShallow(text, { start: 0, end: text.length });
  const fields: Record<string, unknown> = {};
  let other: string | null = null;
  for (const { key, value } of membersOf(text)) {
    const name = decodeKey(text, key);
    if (!names.has(name)) other ??= name;
    if (names.has(name) || name === other) fields[name] = readShallow(text, value);
  }
  return fields;
}

/**
 * The range of the string value of this member, with its quotes. Of members of one name the last counts,
 * as for `JSON.parse`; those whose value is no string are ignored.
 *
 * @param object JSON of one object
 */
export function findStringMember(object: Buffer, name: string): ByteRange | null {
  let found: ByteRange | null = null;
  for (const { key, value } of membersOf(object)) {
    if (object[value.start] === quote && decodeKey(object, key) === name) found = value;
  }
  return found;
}

/** @param object JSON of one object */
function* membersOf(object: Buffer): Generator<Member> {
  let at = skipSpace(object, skipSpace(object, 0) + 1);
  while (object[at] !== closeBrace) {
    const end = endOfString(object, at);
    const start = skipSpace(object, skipSpace(object, end) + 1); // after the colon
    const value = { start, end: endOfValue(object, start) };
    yield { key: { start: at, end }, value };
    at = skipSpace(object, value.end);
    if (object[at] === comma) at = skipSpace(object, at + 1);
  }
}

function decodeKey(text: Buffer, { start, end }: ByteRange): string {
  const inner = text.toString('utf8', start + 1, end - 1);
  return inner.includes('\\') ? (JSON.parse(`"${inner}"`) as string) : inner;
}

function parseRange(text: Buffer, { start, end }: ByteRange): unknown {
  return JSON.parse(text.toString('utf8', start, end));
}

function readShallow(text: Buffer, range: ByteRange): unknown {
  if (text[range.start] === openBrace) return {};
  return text[range.start] === openBracket ? [] : parseRange(text, range);
}

/** The index after the value that begins at `start`. */
function endOfValue(text: Buffer, start: number): number {
  const first = text[start] as number;
  if (first !== openBrace && first !== openBracket) return endOfScalar(text, start, first);
  let depth = 0;
  let at = start;
  do {
    const byte = text[at] as number;
    if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) depth -= 1;
    at = byte === quote ? endOfString(text, at) : at + 1;
  } while (depth > 0);
  return at;
}
