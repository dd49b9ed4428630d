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
