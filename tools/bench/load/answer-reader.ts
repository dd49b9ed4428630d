const endOfHead = '\r\n\r\n';
const endOfChunks = Buffer.from('0\r\n\r\n');

/** Finds out when the answer to one request has come, one after another on one connection. */
export class AnswerReader {
  #begun: Buffer | null = null;

  /**
   * @returns whether this was the last of it
   * @throws Error when the answer is no success
   */
  push(bytes: Buffer): boolean {
    const answer = this.#begun === null ? bytes : Buffer.concat([this.#begun, bytes]);
    if (isWhole(answer)) {
      this.#begun = null;
      return true;
    }
    this.#begun = Buffer.from(answer);
    return false;
  }
}

function isWhole(answer: Buffer): boolean {
  const headBytes = answer.indexOf(endOfHead);
  if (headBytes === -1) return false;
  const bodyAt = headBytes + endOfHead.length;
  const head = answer.toString('latin1', 0, headBytes);
  if (!/^HTTP\/1\.1 2/.test(head)) throw new Error(`an answer was ${answer.toString()}`);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) return answer.length === bodyAt + Number(length);
  if (head.startsWith('HTTP/1.1 204')) return true;
  return answer.subarray(-endOfChunks.length).equals(endOfChunks);
}
