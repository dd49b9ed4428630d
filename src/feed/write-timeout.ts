import type { ServerResponse } from 'node:http';

/**
 * Notices that a response with bytes to send gets rid of none of them. A client that reads slowly
 * is not one that does not read: each byte that the system takes from us counts.
 */
export class Stall {
  #unsentBytes = -1;
  #since = 0;

  /**
   * Looks at the response, which is full or has been ended.
   *
   * @returns for how long, in milliseconds, no look has seen a byte go
   */
  durationMs(response: ServerResponse, now: number): number {
    const bytes = unsentBytes(response);
    if (bytes !== this.#unsentBytes) {
      this.#unsentBytes = bytes;
      this.#since = now;
    }
    return now - this.#since;
  }

  /** To be called when everything was sent. */
  end(): void {
    this.#unsentBytes = -1;
  }
}

/** The part of a socket that Node keeps to itself. */
interface SocketParts {
  readonly writableLength: number;
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/**
 * `writableLength` moves only when a whole write is through, and a page may take a slow client
 * minutes; what is left of a write is known to its handle alone. Node's own socket timeout looks
 * there too. Should it go, a socket that stays full counts as one that stands still.
 */
function unsentBytes(response: ServerResponse): number {
  const socket: SocketParts | null = response.socket;
  return (socket?.writableLength ?? 0) + (socket?._handle?.writeQueueSize ?? 0);
}
