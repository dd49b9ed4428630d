/** How much memory is taken ahead of need at most. */
const maxAheadBytes = 64 * 1024;

const noBytes = Buffer.alloc(0);

/**
 * The bytes of one stream's events, in few pieces of memory: a piece for each event would cost more
 * than a usual event itself, in memory and in time. A stream takes memory ahead as it has kept, so
 * that at most half of it is empty, and no more than 64 KiB.
 */
export class KeptBytes {
  #piece: Buffer = noBytes;
  #used = 0;
  #keptBytes = 0;

  /** How many bytes of memory it takes at least to keep that many more. */
  growthFor(bytes: number): number {
    return this.#used + bytes <= this.#piece.length ? 0 : bytes;
  }

  /**
   * Makes room for that many more bytes.
   *
   * @param max how much may be taken; not less than `growthFor` says
   * @returns how much was taken
   */
  reserve(bytes: number, max: number): number {
    if (this.growthFor(bytes) === 0) return 0;
    const ahead = Math.min(this.#keptBytes, maxAheadBytes, max);
    this.#piece = Buffer.allocUnsafeSlow(Math.max(bytes, ahead));
    this.#used = 0;
    return this.#piece.length;
  }

  /** Copies the bytes, for which there is room, out of whatever memory they lie in. */
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
