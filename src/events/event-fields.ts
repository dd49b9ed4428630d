import { endOfString, skipSpace } from './json-scan.js';

const quote = 0x22;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** JSON up to this size is parsed whole, at 100 ns a byte at worst. */
const smallBytes = 4096;

/**
 * What a text says that `scanJson` found to be JSON, as far as the check of an event goes: of an
 * object, the members of these names and the first other one; arrays and objects in it are empty.
 * A small text is parsed whole.
 */
export function readFields(text: Buffer, names: ReadonlySet<string>): unknown {
  if (text.length <= smallBytes) return JSON.parse(text.toString('utf8'));
  if (text[0] !== openBrace) return readShallow(text, 0, text.length);
  const fields: Record<string, unknown> = {};
  let other: string | null = null;
  let at = skipSpace(text, 1);
  while (text[at] !== closeBrace) {
    const key = endOfString(text, at);
    const start = skipSpace(text, skipSpace(text, key.end) + 1); // behind the colon
    const end = endOfValue(text, start);
    // Behind the first other one, a name need not be decoded to tell that it is none of these.
    const isPlain: boolean = other !== null && !key.escaped;
    const name: string = isPlain
      ? text.toString('latin1', at + 1, key.end - 1)
      : decode(text, at, key.end);
    if (!names.has(name)) other ??= name;
    if (names.has(name) || name === other) fields[name] = readShallow(text, start, end);
    at = skipSpace(text, end);
    if (text[at] === comma) at = skipSpace(text, at + 1);
  }
  return fields;
}

function decode(text: Buffer, start: number, end: number): string {
  return JSON.parse(text.toString('utf8', start, end)) as string;
}

function readShallow(text: Buffer, start: number, end: number): unknown {
  if (text[start] === openBrace) return {};
  if (text[start] === openBracket) return [];
  return JSON.parse(text.toString('utf8', start, end));
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
