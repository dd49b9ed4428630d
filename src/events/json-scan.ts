import { runAtOnce } from '../time-slices.js';

/** A half-open range of bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The reason why a text is rejected, with its place. */
export interface ScanFault {
  /** Index of the element with the fault. */
  readonly element: number;
  /** Where that element begins. */
  readonly start: number;
  readonly byte: number;
  readonly reason: 'not_json' | 'nesting' | 'proto_key' | 'too_many_elements';
}

export interface JsonScan {
  readonly isArray: boolean;
  /** The elements of the outermost array, or the one value, without surrounding white space. */
  readonly elements: readonly ByteRange[];
  readonly fault: ScanFault | null;
}

export const quote = 0x22;
const backslash = 0x5c;
export const comma = 0x2c;
const colon = 0x3a;
export const openBrace = 0x7b;
export const closeBrace = 0x7d;
export const openBracket = 0x5b;
export const closeBracket = 0x5d;

export interface ScanLimits {
  /** Max nesting depth of one element; an object of scalars has 1. */
  readonly maxDepth: number;
  /** Max number of elements of the outermost array. */
  readonly maxElements: number;
  /** Whether `__proto__` keys are accepted: other programs may store them. */
  readonly allowsProtoKeys?: boolean;
}

/**
 * Scans UTF-8 text once to check whether it is JSON, without building values: a parser would create an
 * object for every three bytes of `[[],[],…`. It also finds where the elements of the outermost array
 * begin and end, how deep each is nested, and `__proto__` keys, including repeated ones that parsing
 * would drop. The scan stops at the first fault.
 */
export function scanJson(text: Buffer, limits: ScanLimits): JsonScan {
  return runAtOnce(scanInSteps(text, limits, text.length));
}

/** `scanJson` in steps of about `stepBytes`. */
export function* scanInSteps(
  text: Buffer,
  { maxDepth, maxElements, allowsProtoKeys = false }: ScanLimits,
  stepBytes: number,
): Generator<void, JsonScan> {
  let at = skipSpace(text, 0);
  const isArray = text[at] === openBracket;
  const elements: ByteRange[] = [];
  const open = [0]; // the closing brackets of the open levels, below a sentinel
  const outside = isArray ? 2 : 1; // how many levels lie outside of the elements
  let expected = Expected.Value;
  let start = -1; // of the element that is being scanned
  let fault: ScanFault['reason'] | null = null;
  for (let pauseAt = stepBytes; at < text.length; at = skipSpace(text, at)) {
    if (at >= pauseAt) {
      yield;
      pauseAt = at + stepBytes;
    }
    const byte = text[at] as number;
    const closing = open[open.length - 1] as number;
    let end = at + 1;
    let isValueEnd = false;
    if (byte === closing && expected >= Expected.CommaOrClose) {
      open.pop();
      isValueEnd = true;
    } else if (expected === Expected.CommaOrClose) {
      if (byte !== comma) fault = 'not_json';
      expected = closing === closeBrace ? Expected.Key : Expected.Value;
    } else if (expected === Expected.Colon) {
      if (byte !== colon) fault = 'not_json';
      expected = Expected.Value;
    } else if (expected === Expected.Key || expected === Expected.KeyOrClose) {
      end = byte === quote ? endOfString(text, at) : ~at;
      if (!allowsProtoKeys && end > 0 && isProtoKey(text, at, end)) fault = 'proto_key';
      expected = Expected.Colon;
    } else if (expected === Expected.Nothing) {
      fault = 'not_json';
    } else {
      if (open.length === outside) start = at;
      if (open.length === outside && elements.length === maxElements) fault = 'too_many_elements';
      else if (byte !== openBrace && byte !== openBracket) {
        end = endOfScalar(text, at, byte);
        isValueEnd = true;
      } else if (open.length - outside >= maxDepth) fault = 'nesting';
      else {
        open.push(byte === openBrace ? closeBrace : closeBracket);
        expected = byte === openBrace ? Expected.KeyOrClose : Expected.ValueOrClose;
      }
    }
    if (end < 0) {
      at = ~end;
      fault = 'not_json';
    }
    if (fault !== null) break;
    at = end;
    if (!isValueEnd) continue;
    if (open.length === outside) {
      elements.push({ start, end });
      start = -1;
    }
    expected = open.length === 1 ? Expected.Nothing : Expected.CommaOrClose;
  }
  if (fault === null && expected !== Expected.Nothing) fault = 'not_json';
  return { isArray, elements, fault: fault && toFault(fault, at, start, elements.length) };
}

function toFault(reason: ScanFault['reason'], byte: number, start: number, element: number) {
  return { reason, byte, start: start === -1 ? byte : start, element };
}

/** The start of an escape in a key named `__proto__`, whose characters are U+005F to U+0074. */
const protoEscape = /\\u00[567]/;

/**
 * A cheap check that errs on the side of false: whether a text, if it is JSON, is one object that
 * `scanJson` accepts. Nothing is around it, it has no more brackets than levels are allowed, and nothing
 * that could be a `__proto__` key.
 */
export function isPlainObject(text: string, maxDepth: number): boolean {
  if (text.charCodeAt(0) !== openBrace || text.charCodeAt(text.length - 1) !== closeBrace)
    return false;
  if (text.includes('__proto__') || (text.includes('\\u') && protoEscape.test(text))) return false;
  return hasFewBrackets(text, maxDepth);
}

/** Whether a text cannot be nested too deep, as it has no more brackets than levels are allowed. */
export function hasFewBrackets(text: string, maxDepth: number): boolean {
  return countUpTo(maxDepth, '{', text) + countUpTo(maxDepth, '[', text) <= maxDepth;
}

/**
 * The nesting depth of JSON and an upper bound of its number of values, without recursion, in one pass
 * over the bytes. For text that is not JSON the result is arbitrary.
 */
export function measureJson(text: Buffer): { readonly depth: number; readonly values: number } {
  let [open, depth, values] = [0, 0, 1];
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === quote) at = Math.max(at, endOfString(text, at) - 1);
    else if (byte === comma) values += 1;
    else if (byte === openBrace || byte === openBracket) {
      values += 1;
      open += 1;
      depth = Math.max(depth, open);
    } else if (byte === closeBrace || byte === closeBracket) open -= 1;
  }
  return { depth, values };
}

/** Counts the mark in the text, and stops above `max`. */
function countUpTo(max: number, mark: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(mark); at !== -1 && count <= max; at = text.indexOf(mark, at + 1)) {
    count += 1;
  }
  return count;
}

/** The token that may come next; from `CommaOrClose` on, also a closing bracket. */
enum Expected {
  Value,
  Key,
  Colon,
  /** Nothing but white space may follow the outermost value. */
  Nothing,
  CommaOrClose,
  /** Just after `[`. */
  ValueOrClose,
  /** Just after `{`. */
  KeyOrClose,
}

/** The index after a string, a number, `true`, `false` or `null`; `~at` when it fails at `at`. */
export function endOfScalar(text: Buffer, at: number, byte: number): number {
  if (byte === quote) return endOfString(text, at);
  const end = byte < 0x61 ? endOfNumber(text, at) : endOfWord(text, at, words.get(byte));
  return end === -1 ? ~at : end;
}

/** The index after the string that opens at `start`; `~at` when it fails at `at`. */
export function endOfString(text: Buffer, start: number): number {
  let at = start + 1;
  for (;;) {
    const byte = text[at];
    if (byte === quote) return at + 1;
    if (byte === undefined || byte < 0x20) return ~at;
    if (byte === backslash) {
      const length = lengthOfEscape(text, at);
      if (length === 0) return ~Math.min(at + 1, text.length);
      at += length;
    } else at += 1;
  }
}

/** The length of the escape at `at`; 0 when there is none. */
function lengthOfEscape(text: Buffer, at: number): number {
  const letter = text[at + 1] as number;
  if (letter !== 0x75) return simpleEscapes[letter] ?? 0;
  for (let digit = at + 2; digit < at + 6; digit += 1) if (!isHex(text[digit])) return 0;
  return 6;
}

/** The length of each escape of two characters, by its second one. */
const simpleEscapes = new Uint8Array(256);
for (const letter of Buffer.from('"\\/bfnrt')) simpleEscapes[letter] = 2;

function isHex(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}

/** The literals of JSON, by their first letter. */
const words = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)] as const),
);

/** The index after the literal; -1 when the text differs. */
function endOfWord(text: Buffer, at: number, word: Buffer | undefined): number {
  if (word === undefined) return -1;
  const end = at + word.length;
  return word.compare(text, at, Math.min(end, text.length)) === 0 ? end : -1;
}

const minus = 0x2d;
const zero = 0x30;
const plus = 0x2b;
const point = 0x2e;

/** The index after the number (RFC 8259, section 6) that begins at `from`; -1 when none does. */
function endOfNumber(text: Buffer, from: number): number {
  const start = text[from] === minus ? from + 1 : from;
  let at = text[start] === zero ? start + 1 : endOfDigits(text, start);
  if (at !== -1 && text[at] === point) at = endOfDigits(text, at + 1);
  if (at === -1 || ((text[at] as number) | 0x20) !== 0x65) return at;
  const sign = text[at + 1];
  return endOfDigits(text, sign === plus || sign === minus ? at + 2 : at + 1);
}

/** The index after a run of digits; -1 when there is none. */
function endOfDigits(text: Buffer, from: number): number {
  let at = from;
  while (isDigit(text[at] as number)) at += 1;
  return at === from ? -1 : at;
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= 0x39;
}

const underscore = 0x5f;

const protoKey = '"__proto__"';

/** @param end index after the key, whose range includes its quotes */
function isProtoKey(text: Buffer, start: number, end: number): boolean {
  if (end - start < protoKey.length) return false;
  const first = text[start + 1];
  if (first !== underscore && first !== backslash) return false;
  return JSON.parse(text.toString('utf8', start, end)) === '__proto__';
}

export function skipSpace(text: Buffer, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text[at] as number)) at += 1;
  return at;
}

/** White space between JSON tokens (RFC 8259, section 2). */
function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
