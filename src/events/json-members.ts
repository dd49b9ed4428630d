import { type ByteRange, endOfString, skipSpace } from './json-scan.js';

const quote = 0x22;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** JSON up to this size is parsed whole, at 100 ns a byte at worst. */
const smallBytes = 4096;

/** A member of an object, in the text of the object. */
interface Member {
  /** With its quotes. */
  readonly key: ByteRange;
  /** Whether the key has escapes in it. */
  readonly escaped: boolean;
  readonly value: ByteRange;
}

/**
 * What a text says that `scanJson` found to be JSON, as far as the check of an event goes: of an
 * object, the members of these names and the first other one; arrays and objects in it are empty.
 * A small text is parsed whole.
 */
export function readFields(text: Buffer, names: ReadonlySet<string>): unknown {
  if (text.length <= smallBytes) return JSON.parse(text.toString('utf8'));
  if (text[0] !== openBrace) return readShallow(text, { start: 0, end: text.length });
  const fields: Record<string, unknown> = {};
  let other: string | null = null;
  for (const { key, escaped, value } of membersOf(text)) {
    // Behind the first other one, a name need not be decoded to tell that it is none of these.
    const isPlain: boolean = other !== null && !escaped;
    const name: string = isPlain
      ? text.toString('latin1', key.start + 1, key.end - 1)
      : (parseRange(text, key) as string);
    if (!names.has(name)) other ??= name;
    if (names.has(name) || name === other) fields[name] = readShallow(text, value);
  }
  return fields;
}

/**
 * Where the member of this name has its text, in its quotes. Of members of one name the last counts,
 * as for `JSON.parse`; those whose value is no string are passed over.
 *
 * @param object JSON of one object
 */
export function findStringMember(object: Buffer, name: string): ByteRange | null {
  let found: ByteRange | null = null;
  for (const { key, escaped, value } of membersOf(object)) {
    if (object[value.start] !== quote) continue;
    const text = escaped
      ? parseRange(object, key)
      : object.toString('utf8', key.start + 1, key.end - 1);
    if (text === name) found = value;
  }
  return found;
}

/** @param object JSON of one object */
function* membersOf(object: Buffer): Generator<Member> {
  let at = skipSpace(object, skipSpace(object, 0) + 1);
  while (object[at] !== closeBrace) {
    const { end, escaped } = endOfString(object, at);
    const start = skipSpace(object, skipSpace(object, end) + 1); // behind the colon
    const value = { start, end: endOfValue(object, start) };
    yield { key: { start: at, end }, escaped, value };
    at = skipSpace(object, value.end);
    if (object[at] === comma) at = skipSpace(object, at + 1);
  }
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
  let depth = 0;
  let at = start;
  do {
    const byte = text[at] as number;
    if (byte === quote) at = endOfString(text, at).end;
    else {
      if (byte === openBrace || byte === openBracket) depth += 1;
      else if (byte === closeBrace || byte === closeBracket) depth -= 1;
      at += 1;
    }
  } while (depth > 0);
  return text[start] === quote || isBracket(text[start]) ? at : endOfScalar(text, at);
}

function isBracket(byte: number | undefined): boolean {
  return byte === openBrace || byte === openBracket;
}

function endOfScalar(text: Buffer, from: number): number {
  let at = from;
  while (at < text.length && !isEndOfScalar(text[at] as number)) at += 1;
  return at;
}

function isEndOfScalar(byte: number): boolean {
  return byte === comma || byte === closeBrace || byte === closeBracket || byte <= 0x20;
}
