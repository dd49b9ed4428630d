/** A half-open range of bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A fault that the scan itself finds, with its place in the text. */
export interface ScanFault {
  /** Index of the element in which it lies. */
  readonly element: number;
  readonly byte: number;
  readonly reason: 'nesting' | 'proto_key' | 'too_many_elements';
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
}

/**
 * Walks over JSON text once, without parsing it, to find what `JSON.parse` does not tell: where the
 * elements of the outermost array begin and end, how deep each is nested, and `__proto__` keys,
 * also in a repeated key that parsing drops. Text that is not JSON gives some answer or other: the
 * caller parses it too. The walk ends at the first fault.
 */
export function scanJson(text: Buffer, limits: ScanLimits): JsonScan {
  return new Scanner(text, limits).scan();
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
  return countUpTo(maxDepth, '{', text) + countUpTo(maxDepth, '[', text) <= maxDepth;
}

/**
 * Whether JSON is nested deeper than that. Nearly none has so many brackets, which is quickly found.
 * Text that is not JSON gives some answer or other.
 */
export function isDeeper(text: string, maxDepth: number): boolean {
  if (countUpTo(maxDepth, '{', text) + countUpTo(maxDepth, '[', text) <= maxDepth) return false;
  return measureJson(Buffer.from(text)).depth > maxDepth;
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

class Scanner {
  readonly #elements: ByteRange[] = [];
  readonly #isArray: boolean;
  #at: number;
  #depth = 0;
  #elementStart = -1;
  #tokenEnd = 0;
  #fault: ScanFault | null = null;

  constructor(
    readonly text: Buffer,
    readonly limits: ScanLimits,
  ) {
    const first = skipSpace(text, 0);
    this.#isArray = text[first] === openBracket;
    this.#at = this.#isArray ? first + 1 : first;
  }

  scan(): JsonScan {
    while (this.#at < this.text.length && this.#fault === null) this.#step();
    if (!this.#isArray) this.#endElement();
    return { isArray: this.#isArray, elements: this.#elements, fault: this.#fault };
  }

  #step(): void {
    const byte = this.text[this.#at] as number;
    if (isSpace(byte)) {
      this.#at += 1;
    } else if (this.#isArray && this.#depth === 0 && (byte === comma || byte === closeBracket)) {
      this.#endElement();
      this.#at += 1;
    } else {
      if (this.#elementStart === -1) this.#elementStart = this.#at;
      this.#token(byte);
      this.#tokenEnd = this.#at;
    }
  }

  #token(byte: number): void {
    if (byte === quote) {
      this.#string();
      return;
    }
    if (byte === openBrace || byte === openBracket) this.#open();
    else if (byte === closeBrace || byte === closeBracket) this.#depth -= 1;
    this.#at += 1;
  }

  #open(): void {
    this.#depth += 1;
    if (this.#depth > this.limits.maxDepth) this.#fail('nesting', this.#at);
  }

  #string(): void {
    const start = this.#at;
    const { end, escaped } = endOfString(this.text, start);
    this.#at = end;
    if (this.text[skipSpace(this.text, end)] !== colon) return;
    if (isProtoKey(this.text.subarray(start, end), escaped)) this.#fail('proto_key', start);
  }

  #endElement(): void {
    if (this.#elementStart === -1) return;
    if (this.#elements.length === this.limits.maxElements) {
      this.#fail('too_many_elements', this.#elementStart);
      return;
    }
    this.#elements.push({ start: this.#elementStart, end: this.#tokenEnd });
    this.#elementStart = -1;
  }

  #fail(reason: ScanFault['reason'], byte: number): void {
    this.#fault = { reason, byte, element: this.#elements.length };
  }
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

function isProtoKey(literal: Buffer, escaped: boolean): boolean {
  if (!escaped) return literal.equals(protoKey);
  try {
    return JSON.parse(literal.toString('utf8')) === '__proto__';
  } catch {
    return false; // not JSON: the caller's own parse says so
  }
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
