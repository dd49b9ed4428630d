/**
 * The wire format of server-sent events (WHATWG HTML, section 9.2), as bytes. Pure functions; all
 * text is UTF-8 and every line ends with a line feed.
 */
export interface Frame {
  /**
   * The id that the client sends back as `Last-Event-ID`; without one, its last id stays. ASCII without
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

export function encodeFrame(frame: Frame): Chunk {
  return encodeFrames([frame]) as Chunk;
}

/** The frames in one buffer; null when there are none. */
export function encodeFrames(frames: readonly Frame[]): Chunk | null {
  const parts = partsOf(frames);
  return Chunk.filled(parts.length, (bytes) => join(parts, bytes));
}

/**
 * The id is the last line of a frame: a client that stores it at its line, and not at the blank line as
 * it should, has the data by then.
 */
function partsOf(frames: readonly Frame[]) {
  const heads: string[] = [];
  const lines: Buffer[] = [];
  const tails: string[] = [];
  let length = 0;
  for (const { id, event, data } of frames) {
    const head = event === undefined ? 'data: ' : `event: ${event}\ndata: `;
    const line = withoutLineBreaks(escapeSeparators(data));
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
 * Frames with data alone, in one buffer.
 *
 * @param texts have no raw line breaks, like the output of `JSON.stringify`
 */
export function encodeTexts(texts: readonly string[]): Buffer {
  return escapeSeparators(Buffer.from(texts.map((text) => `data: ${text}\n\n`).join('')));
}

/** A frame that sets the client's last id and dispatches nothing, since it has no data. */
export function encodeId(id: string): Buffer {
  return Buffer.from(`id: ${id}\n\n`);
}

/**
 * Dispatches the remains of a truncated frame as an event that nobody listens to. The colon ends a
 * truncated line, so that half of a `retry` has no effect, and is a comment where none was truncated: a
 * line feed alone would dispatch a frame that lacks only its blank line.
 *
 * @param id restores the last id, which half of another one may have replaced
 */
export function encodeDiscard(id: string): Buffer {
  return Buffer.from(`:\nid: ${id}\nevent: discard\n\n`);
}

/** A line that clients ignore. It has no blank line, at which some dispatch an event without data. */
export function encodeComment(text: string): Buffer {
  return Buffer.from(`: ${text}\n`);
}

/** Tells the client how long to wait before it reconnects; without a blank line, like a comment. */
export function encodeRetry(ms: number): Buffer {
  return Buffer.from(`retry: ${ms}\n`);
}

/**
 * Characters at which some clients end a line, though the specification does not: Python's `splitlines`
 * breaks at U+0085, U+2028 and U+2029. Valid JSON has them in strings only, where an escape is
 * equivalent.
 */
const [nextLine, lineSeparator, paragraphSeparator] = ['\u0085', '\u2028', '\u2029'].map((raw) =>
  Buffer.from(raw),
) as [Buffer, Buffer, Buffer];

/** The escapes of these characters, by the last byte of each. */
const escapes: Readonly<Record<number, Buffer>> = {
  133: Buffer.from('\\u0085'),
  168: Buffer.from('\\u2028'),
  169: Buffer.from('\\u2029'),
};

/** Max growth by escapes: one has three times the bytes of the shortest of these characters. */
const growth = 3;

/** Whether the text may have such a character. Most texts lack even their first bytes, a search for which
 * is cheap. */
function hasSeparator(json: Buffer): boolean {
  if (json.includes(0xc2) && json.includes(nextLine)) return true;
  return json.includes(0xe2) && (json.includes(lineSeparator) || json.includes(paragraphSeparator));
}

/**
 * Escapes these characters byte by byte: a text may consist of them, and to replace millions of
 * characters in a string takes seconds.
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

/** Writes a few bytes, which is faster than `copy`. Returns the index after them. */
function put(bytes: Buffer, target: Buffer, at: number): number {
  for (let index = 0; index < bytes.length; index += 1) target[at + index] = bytes[index] as number;
  return at + bytes.length;
}

/** Length of the separator that begins at the index; 0 when none does. */
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

/**
 * Bytes of a response, also framed as a chunk of HTTP/1.1 (RFC 9112, section 7.1): in one buffer, created
 * once for all clients that get the same bytes, and sent to each in one write.
 */
export class Chunk {
  /** The bytes between the size of the chunk and its line break. */
  readonly framed: Buffer;
  /** The bytes alone, for clients of HTTP/1.0. */
  readonly bytes: Buffer;

  private constructor(length: number) {
    const head = `${length.toString(16)}\r\n`;
    const end = head.length + length;
    this.framed = Buffer.allocUnsafe(end + 2);
    this.framed.write(head, 'latin1');
    this.framed.write('\r\n', end, 'latin1');
    this.bytes = this.framed.subarray(head.length, end);
  }

  /** @returns null for no bytes: an empty chunk would end the response */
  static of(bytes: Buffer): Chunk | null {
    return Chunk.filled(bytes.length, (target) => bytes.copy(target));
  }

  /**
   * @param length number of bytes that `fill` writes
   * @returns null for no bytes
   */
  static filled(length: number, fill: (bytes: Buffer) => void): Chunk | null {
    if (length === 0) return null;
    const chunk = new Chunk(length);
    fill(chunk.bytes);
    return chunk;
  }
}
