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
  return encodeFrames([frame]);
}

/**
 * The frames one after another, in one piece of memory. The id comes last: a client that notes it at
 * its line, and not at the blank line as it should, has the data by then.
 */
export function encodeFrames(frames: readonly Frame[]): Buffer {
  const parts = frames.map(({ id, event, data }) => ({
    head: event === undefined ? 'data: ' : `event: ${event}\ndata: `,
    line: toOneLine(data),
    tail: id === undefined ? '\n\n' : `\nid: ${id}\n\n`,
  }));
  let length = 0;
  for (const { head, line, tail } of parts) length += head.length + line.length + tail.length;
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (const { head, line, tail } of parts) {
    at += bytes.write(head, at, 'latin1');
    at += line.copy(bytes, at);
    at += bytes.write(tail, at, 'latin1');
  }
  return bytes;
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
 * Ends a line that was torn, and gives what was torn of a frame to an event that nobody listens to. The colon
 * makes it a comment where the line was whole: a blank line would dispatch what came before it.
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
const lineSeparators = ['\u0085', '\u2028', '\u2029'].map((raw) => Buffer.from(raw));

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

/**
 * Byte by byte, since text may be one long row of separators: to replace millions of characters in
 * a string takes seconds.
 *
 * @param json UTF-8
 */
function escapeSeparators(json: Buffer): Buffer {
  if (!lineSeparators.some((separator) => json.includes(separator))) return json;
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
