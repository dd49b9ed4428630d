const leastCapacity = 256;

/**
 * Bytes that come in pieces, kept in one buffer: whoever sends them one at a time makes us keep
 * bytes, not an object for each. A single piece is not copied.
 */
export class GrowingBytes {
  #buffer: Buffer | null = null;
  #length = 0;
  #isOwn = false;

  get length(): number {
    return this.#length;
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

  /** A buffer with what there is and room for more; it doubles at least. */
  #reserve(more: number): Buffer {
    const known = this.#buffer as Buffer;
    const needed = this.#length + more;
    if (this.#isOwn && needed <= known.length) return known;
    const grown = Buffer.allocUnsafeSlow(Math.max(leastCapacity, needed, 2 * this.#length));
    known.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    this.#isOwn = true;
    return grown;
  }
}
