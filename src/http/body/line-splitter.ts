import { GrowingBytes } from './read-body.js';

const lineFeed = 0x0a;

/** One line of a body, without its line feed. */
export interface Line {
  /** Counted from 1, blank lines included. */
  readonly number: number;
  readonly text: Buffer;
}

/**
 * Cuts the chunks of a body into lines. Blank lines are counted and left out. A line that is longer
 * than `maxBytes` is handed out as soon as that is known, cut off, and the caller rejects it.
 */
export class LineSplitter {
  readonly #rest: GrowingBytes;
  #number = 1;

  constructor(readonly maxBytes: number) {
    this.#rest = new GrowingBytes(maxBytes + 2); // with a carriage return, and one too many
  }

  /** The bytes that are kept of a line whose end has not come. */
  get restCapacity(): number {
    return this.#rest.capacity;
  }

  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, from)) {
      if (end > from) this.#rest.push(chunk.subarray(from, end));
      if (this.#rest.length > 0) this.#takeLine(lines);
      this.#number += 1;
      from = end + 1;
    }
    // A copy: a short rest would keep the whole chunk.
    this.#rest.push(Buffer.from(chunk.subarray(from)));
    if (this.#rest.length > this.maxBytes + 1) this.#takeLine(lines);
    return lines;
  }

  /** The last line, which needs no line feed. */
  end(): Line[] {
    const lines: Line[] = [];
    this.#takeLine(lines);
    return lines;
  }

  #takeLine(lines: Line[]): void {
    const text = this.#rest.take();
    if (!isBlank(text)) lines.push({ number: this.#number, text });
  }
}

/** White space between JSON tokens, which a line may consist of. */
function isBlank(text: Buffer): boolean {
  return text.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
