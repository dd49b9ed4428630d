/** Max memory allocated ahead of need. */
const maxAheadBytes = 64 * 1024;

const noBytes = Buffer.alloc(0);

/**
 * The bytes of one stream's events, in few pieces of memory: a piece for each event would cost more
 * memory and time than a typical event itself. A stream allocates as much ahead as it already holds, so
 * that at most half of its memory is unused, and no more than 64 KiB.
 */
export class KeptBytes {
  #piece: Buffer = noBytes;
  #used = 0;
  #keptBytes = 0;

  /** Min number of bytes to allocate to keep this many more. */
  growthFor(bytes: number): number {
    return this.#used + bytes <= this.#piece.length ? 0 : bytes;
  }

  /**
   * Makes room for this many more bytes.
   *
   * @param max limit of the allocation, at least `growthFor(bytes)`
   * @returns the number of bytes allocated
   */
  reserve(bytes: number, max: number): number {
    if (this.growthFor(bytes) === 0) return 0;
    const ahead = Math.min(this.#keptBytes, maxAheadBytes, max);
    this.#piece = Buffer.allocUnsafeSlow(Math.max(bytes, ahead));
    this.#used = 0;
    return this.#piece.length;
  }

  /** Copies the bytes, for which room was reserved, as they may be a view of a larger buffer. */
  keep(bytes: Buffer): Buffer {
    const end = this.#used + bytes.length;
    const fillsPiece = bytes.length === this.#piece.length; // as the first event of a stream does
    const kept = fillsPiece ? this.#piece : this.#piece.subarray(this.#used, end);
    bytes.copy(kept);
    this.#used = end;
    this.#keptBytes += bytes.length;
    return kept;
  }
}
