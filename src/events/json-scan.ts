/** A half-open range of bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Why a text is rejected, with the place. */
export interface ScanFault {
  /** Index of the element in which it lies. */
  readonly element: number;
  /** Where that begins. */
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

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

export interface ScanLimits {
  /** The deepest nesting allowed within one element; an object of scalars has 1. */
  readonly maxDepth: number;
  /** The most elements that the outermost array may have. */
  readonly maxElements: number;
  /** Other programs may store such keys. */
  readonly allowsProtoKeys?: boolean;
}

/**
 * Walks over UTF-8 text once to tell whether it is JSON, without building what it says: a parser makes
 * an object of every two bytes of `[[],[],…`. It finds, besides, where the elements of the outermost
 * array begin and end, how deep each is nested, and `__proto__` keys, also in a repeated key that
 * parsing drops. The walk ends at the first fault.
 */
export function scanJson(text: Buffer, limits: ScanLimits): JsonScan {
  const scanner = new JsonScanner(text, limits);
  while (!scanner.run(text.length)) {
    // runs to the end
  }
  return scanner;
}

/** What an escape in a key named `__proto__` begins with: each of its letters is U+005F to U+0074. */
const protoEscape = /\\u00[567]/;

/**
 * Whether a text that may be JSON is one object of which `scanJson` finds nothing to say, beyond
 * doubt and at little cost: nothing around it, no more brackets than there may be levels, and nothing
 * that could be a `__proto__` key.
 */
export function isPlainObject(text: string, maxDepth: number): boolean {
  if (text.charCodeAt(0) !== openBrace || text.charCodeAt(text.length - 1) !== closeBrace)
    return false;
  if (text.includes('__proto__') || (text.includes('\\u') && protoEscape.test(text))) return false;
  return hasFewBrackets(text, maxDepth);
}

/** Whether a text cannot be nested too deep, since it has no more brackets than there may be levels. */
export function hasFewBrackets(text: string, maxDepth: number): boolean {
  return countUpTo(maxDepth, '{', text) + countUpTo(maxDepth, '[', text) <= maxDepth;
}

/**
 * How deep JSON is nested, and how many values it has at most, without recursion and at the cost of a
 * look at each byte. Text that is not JSON gives some answer or other.
 */
export function measureJson(text: Buffer): { readonly depth: number; readonly values: number } {
  let [open, depth, values] = [0, 0, 1];
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === quote) at = endOfString(text, at).end - 1;
    else if (byte === comma) values += 1;
    else if (byte === openBrace || byte === openBracket) {
      values += 1;
      open += 1;
      depth = Math.max(depth, open);
    } else if (byte === closeBrace || byte === closeBracket) open -= 1;
  }
  return { depth, values };
}

/** How often the mark is in the text, as far as that is more than `most`. */
function countUpTo(most: number, mark: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(mark); at !== -1 && count <= most; at = text.indexOf(mark, at + 1)) {
    count += 1;
  }
  return count;
}

/** What may come next. */
enum Expected {
  Value,
  /** Just after `[`. */
  ValueOrClose,
  Key,
  /** Just after `{`. */
  KeyOrClose,
  Colon,
  CommaOrClose,
  /** After the outermost value. */
  Nothing,
}

/** A scan that can be run piece by piece. */
export class JsonScanner implements JsonScan {
  readonly elements: ByteRange[] = [];
  readonly isArray: boolean;
  fault: ScanFault | null = null;
  /** The closing bracket of each level that is open. */
  readonly #open: number[] = [];
  /** How many levels lie outside of the elements. */
  readonly #base: number;
  #at = 0;
  #expected = Expected.Value;
  #elementStart = -1;

  constructor(
    readonly text: Buffer,
    readonly limits: ScanLimits,
  ) {
    this.isArray = text[skipSpace(text, 0)] === openBracket;
    this.#base = this.isArray ? 1 : 0;
  }

  /** Goes on for about so many bytes. @returns whether it has come to the end, or to a fault */
  run(bytes: number): boolean {
    const { text } = this;
    const until = Math.min(this.#at + bytes, text.length);
    while (this.#at < until && this.fault === null) {
      const byte = text[this.#at] as number;
      if (isSpace(byte)) this.#at += 1;
      else this.#token(byte);
    }
    if (this.fault === null && this.#at < text.length) return false;
    if (this.fault === null && this.#expected !== Expected.Nothing) this.#fail('not_json');
    return true;
  }

  #token(byte: number): void {
    const expected = this.#expected;
    if (expected === Expected.CommaOrClose) this.#commaOrClose(byte);
    else if (expected === Expected.Colon) this.#colon(byte);
    else if (expected === Expected.Nothing) this.#fail('not_json');
    else if (byte === closeBracket && expected === Expected.ValueOrClose) this.#close();
    else if (byte === closeBrace && expected === Expected.KeyOrClose) this.#close();
    else if (expected === Expected.Key || expected === Expected.KeyOrClose) this.#key(byte);
    else this.#value(byte);
  }

  #commaOrClose(byte: number): void {
    const close = this.#open[this.#open.length - 1];
    if (byte === close) this.#close();
    else if (byte !== comma) this.#fail('not_json');
    else {
      this.#at += 1;
      this.#expected = close === closeBrace ? Expected.Key : Expected.Value;
    }
  }

  #colon(byte: number): void {
    if (byte !== colon) {
      this.#fail('not_json');
      return;
    }
    this.#at += 1;
    this.#expected = Expected.Value;
  }

  #key(byte: number): void {
    const start = this.#at;
    if (byte !== quote) {
      this.#fail('not_json');
      return;
    }
    const isEscaped = this.#string();
    if (this.fault !== null) return;
    this.#expected = Expected.Colon;
    if (this.limits.allowsProtoKeys === true) return;
    if (isProtoKey(this.text, start, this.#at, isEscaped)) this.#fail('proto_key', start);
  }

  #value(byte: number): void {
    if (this.#open.length === this.#base && !this.#beginElement()) return;
    if (byte === openBrace) this.#enter(closeBrace, Expected.KeyOrClose);
    else if (byte === openBracket) this.#enter(closeBracket, Expected.ValueOrClose);
    else {
      if (byte === quote) this.#string();
      else this.#scalar(byte);
      this.#endValue();
    }
  }

  /** @returns whether there may be one more */
  #beginElement(): boolean {
    this.#elementStart = this.#at;
    if (this.elements.length < this.limits.maxElements) return true;
    this.#fail('too_many_elements');
    return false;
  }

  #enter(close: number, expected: Expected): void {
    if (this.#open.length - this.#base >= this.limits.maxDepth) {
      this.#fail('nesting');
      return;
    }
    this.#open.push(close);
    this.#expected = expected;
    this.#at += 1;
  }

  #close(): void {
    this.#open.pop();
    this.#at += 1;
    this.#endValue();
  }

  #endValue(): void {
    if (this.fault !== null) return;
    const level = this.#open.length;
    if (level === this.#base) {
      this.elements.push({ start: this.#elementStart, end: this.#at });
      this.#elementStart = -1;
    }
    this.#expected = level === 0 ? Expected.Nothing : Expected.CommaOrClose;
  }

  /** @returns whether there are escapes in it */
  #string(): boolean {
    const { text } = this;
    let at = this.#at + 1;
    let isEscaped = false;
    for (;;) {
      const byte = text[at];
      if (byte === quote) break;
      if (byte === backslash) {
        isEscaped = true;
        const length = lengthOfEscape(text, at);
        if (length === 0) return this.#failInString(at + 1);
        at += length;
      } else if (byte === undefined || byte < 0x20) return this.#failInString(at);
      else at += 1;
    }
    this.#at = at + 1;
    return isEscaped;
  }

  #failInString(at: number): boolean {
    this.#fail('not_json', Math.min(at, this.text.length));
    return false;
  }

  /** A number, `true`, `false` or `null`. */
  #scalar(byte: number): void {
    const word = words.get(byte);
    const end =
      word === undefined ? endOfNumber(this.text, this.#at) : endOfWord(this.text, this.#at, word);
    if (end === -1) this.#fail('not_json');
    else this.#at = end;
  }

  #fail(reason: ScanFault['reason'], byte = this.#at): void {
    const start = this.#elementStart === -1 ? byte : this.#elementStart;
    this.fault = { reason, byte, start, element: this.elements.length };
  }
}

/** The length of the escape at `at`; 0 when it is none. */
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

/** By their first letter. */
const words = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)] as const),
);

/** -1 when it is another word. */
function endOfWord(text: Buffer, at: number, word: Buffer): number {
  const end = at + word.length;
  return text.compare(word, 0, word.length, at, Math.min(end, text.length)) === 0 ? end : -1;
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

/** -1 when there is none. */
function endOfDigits(text: Buffer, from: number): number {
  let at = from;
  while (isDigit(text[at] as number)) at += 1;
  return at === from ? -1 : at;
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= 0x39;
}

/** The index after the closing quote of the string that opens at `start`, or the end of the text. */
export function endOfString(text: Buffer, start: number): { end: number; escaped: boolean } {
  let escaped = false;
  let at = start + 1;
  while (at < text.length) {
    const byte = text[at];
    if (byte === quote) return { end: at + 1, escaped };
    if (byte === backslash) {
      escaped = true;
      at += 1;
    }
    at += 1;
  }
  return { end: text.length, escaped };
}

const protoKey = Buffer.from('"__proto__"');

/** @param end of the key, which begins and ends with its quotes */
function isProtoKey(text: Buffer, start: number, end: number, isEscaped: boolean): boolean {
  if (isEscaped) return JSON.parse(text.toString('utf8', start, end)) === '__proto__';
  return end - start === protoKey.length && protoKey.compare(text, start, end) === 0;
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
