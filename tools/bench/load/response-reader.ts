const endOfHead = '\r\n\r\n';
const endOfChunks = Buffer.from('0\r\n\r\n');

/** Finds out when the response to one request has come, one after another on one connection. */
export class ResponseReader {
  #begun: Buffer | null = null;

  /**
   * @returns whether this was the last of it
   * @throws Error when the response is no success
   */
  push(bytes: Buffer): boolean {
    const response = this.#begun === null ? bytes : Buffer.concat([this.#begun, bytes]);
    if (isWhole(response)) {
      this.#begun = null;
      return true;
    }
    this.#begun = Buffer.from(response);
    return false;
  }
}

function isWhole(response: Buffer): boolean {
  const headBytes = response.indexOf(endOfHead);
  if (headBytes === -1) return false;
  const bodyAt = headBytes + endOfHead.length;
  const head = response.toString('latin1', 0, headBytes);
  if (!/^HTTP\/1\.1 2/.test(head)) throw new Error(`a response was ${response.toString()}`);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) return response.length === bodyAt + Number(length);
  if (head.startsWith('HTTP/1.1 204')) return true;
  return response.subarray(-endOfChunks.length).equals(endOfChunks);
}
