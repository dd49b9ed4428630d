const minCapacity = 256;

/**
 * Bytes that come in pieces, kept in one buffer: a client that sends them one at a time makes us keep
 * bytes, not an object for each. A single piece is not copied.
 */
export class GrowingBytes {
  #buffer: Buffer | null = null;
  #length = 0;
  #isOwn = false;

  /** @param maxBytes how many there will be at most, as far as that is known */
  constructor(readonly maxBytes = Number.POSITIVE_INFINITY) {}

  get length(): number {
    return this.#length;
  }

  /** How many bytes of memory are kept. */
  get capacity(): number {
    return this.#buffer?.length ?? 0;
  }

  push(piece: Buffer): void {
    if (piece.length === 0) return;
    if (this.#buffer === null) this.#buffer = piece;
    else piece.copy(this.#reserve(piece.length), this.#length);
    this.#length += piece.length;
  }

  /** Hands all of it over, and begins anew. */
  take(): Buffer {
    const bytes = this.#buffer?.subarray(0, this.#length) ?? Buffer.alloc(0);
    this.#buffer = null;
    this.#length = 0;
    this.#isOwn = false;
    return bytes;
  }

  /** A buffer with what there is and room for more; it doubles, up to what may come. */
  #reserve(more: number): Buffer {
    const known = this.#buffer as Buffer;
    const needed = this.#length + more;
    if (this.#isOwn && needed <= known.length) return known;
    const ahead = Math.min(Math.max(minCapacity, 2 * this.#length), this.maxBytes);
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, ahead));
    known.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    this.#isOwn = true;
    return grown;
  }
}
