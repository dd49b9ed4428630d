import { Chunk } from './chunk.js';

/**
 * The wire format of server-sent events (WHATWG HTML, section 9.2), as bytes. Pure functions; all
 * text is UTF-8 and every line ends with a line feed.
 */
export interface Frame {
  /**
   * What the client sends back as `Last-Event-ID`; without one, it stays as it was. ASCII without
   * line breaks.
   */
  readonly id?: string | undefined;
  /**
   * The name for `addEventListener`; without one, `onmessage` gets the event. ASCII without line
   * breaks.
   */
  readonly event?: string | undefined;
  /** JSON text. Raw line breaks in it stand between tokens and become spaces. */
  readonly data: Buffer;
}

export function encodeFrame(frame: Frame): Buffer {
  const parts = partsOf([frame]);
  const bytes = Buffer.allocUnsafe(parts.length);
  join(parts, bytes);
  return bytes;
}

/** The frames one after another, in one piece of memory; null when there are none. */
export function encodeFrames(frames: readonly Frame[]): Chunk | null {
  const parts = partsOf(frames);
  return Chunk.filled(parts.length, (bytes) => join(parts, bytes));
}

/**
 * The id comes last in a frame: a client that notes it at its line, and not at the blank line as it
 * should, has the data by then.
 */
function partsOf(frames: readonly Frame[]) {
  const heads: string[] = [];
  const lines: Buffer[] = [];
  const tails: string[] = [];
  let length = 0;
  for (const { id, event, data } of frames) {
    const head = event === undefined ? 'data: ' : `event: ${event}\ndata: `;
    const line = toOneLine(data);
    const tail = id === undefined ? '\n\n' : `\nid: ${id}\n\n`;
    heads.push(head);
    lines.push(line);
    tails.push(tail);
    length += head.length + line.length + tail.length;
  }
  return { heads, lines, tails, length };
}

function join({ heads, lines, tails }: ReturnType<typeof partsOf>, target: Buffer): void {
  let at = 0;
  for (let index = 0; index < lines.length; index += 1) {
    at += target.write(heads[index] as string, at, 'latin1');
    at += (lines[index] as Buffer).copy(target, at);
    at += target.write(tails[index] as string, at, 'latin1');
  }
}

/**
 * Frames of data alone, in one piece of memory.
 *
 * @param texts without raw line breaks, as `JSON.stringify` makes them
 */
export function encodeTexts(texts: readonly string[]): Buffer {
  return escapeSeparators(Buffer.from(texts.map((text) => `data: ${text}\n\n`).join('')));
}

/** A frame that sets the client's last id and dispatches nothing, since it has no data. */
export function encodeId(id: string): Buffer {
  return Buffer.from(`id: ${id}\n\n`);
}

/**
 * Gives what was torn of a frame to an event that nobody listens to. The colon ends a line that was
 * torn, so that no half of a `retry` counts, and is a comment where none was: a line feed alone would
 * dispatch a frame that lacks but its blank line.
 *
 * @param id which half of one may have taken the place of
 */
export function encodeDiscard(id: string): Buffer {
  return Buffer.from(`:\nid: ${id}\nevent: discard\n\n`);
}

/** A line that clients skip. Without a blank line, at which some dispatch an event without data. */
export function encodeComment(text: string): Buffer {
  return Buffer.from(`: ${text}\n`);
}

/** Tells the client how long to wait before it reconnects; without a blank line, like a comment. */
export function encodeRetry(ms: number): Buffer {
  return Buffer.from(`retry: ${ms}\n`);
}

/**
 * The characters that end a line for some clients though not for the specification: Python's
 * `splitlines` breaks at U+0085, U+2028 and U+2029. In valid JSON they stand within strings only,
 * where an escape means the same.
 */
const [nextLine, lineSeparator, paragraphSeparator] = ['\u0085', '\u2028', '\u2029'].map((raw) =>
  Buffer.from(raw),
) as [Buffer, Buffer, Buffer];

/** By the last byte of each. */
const escapes: Readonly<Record<number, Buffer>> = {
  133: Buffer.from('\\u0085'),
  168: Buffer.from('\\u2028'),
  169: Buffer.from('\\u2029'),
};

/** An escape takes three times the bytes of the shortest of them. */
const growth = 3;

function toOneLine(json: Buffer): Buffer {
  return withoutLineBreaks(escapeSeparators(json));
}

/** Most texts lack even the first bytes of them, for which a search is cheapest. */
function hasSeparator(json: Buffer): boolean {
  if (json.includes(0xc2) && json.includes(nextLine)) return true;
  return json.includes(0xe2) && (json.includes(lineSeparator) || json.includes(paragraphSeparator));
}

/**
 * Byte by byte, since text may be one long row of separators: to replace millions of characters in
 * a string takes seconds.
 *
 * @param json UTF-8
 */
function escapeSeparators(json: Buffer): Buffer {
  if (!hasSeparator(json)) return json;
  const escaped = Buffer.allocUnsafe(growth * json.length);
  let to = 0;
  for (let at = 0; at < json.length; ) {
    const length = separatorLength(json, at);
    if (length === 0) escaped[to++] = json[at++] as number;
    else {
      at += length;
      to = put(escapes[json[at - 1] as number] as Buffer, escaped, to);
    }
  }
  return Buffer.from(escaped.subarray(0, to));
}

/** Faster than a copy, for so few bytes. */
function put(bytes: Buffer, target: Buffer, at: number): number {
  for (let index = 0; index < bytes.length; index += 1) target[at + index] = bytes[index] as number;
  return at + bytes.length;
}

/** How many bytes a separator has that begins there: 0 when none does. */
function separatorLength(json: Buffer, at: number): number {
  if (json[at] === 0xc2) return json[at + 1] === 0x85 ? 2 : 0;
  if (json[at] !== 0xe2 || json[at + 1] !== 0x80) return 0;
  return json[at + 2] === 0xa8 || json[at + 2] === 0xa9 ? 3 : 0;
}

function withoutLineBreaks(json: Buffer): Buffer {
  if (!json.includes(0x0a) && !json.includes(0x0d)) return json;
  const line = Buffer.from(json);
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === 0x0a || line[at] === 0x0d) line[at] = 0x20;
  }
  return line;
}
