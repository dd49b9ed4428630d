import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Chunk } from '../sse/chunk.js';

/** Where a feed is written to, once the head of its response has been sent. */
export interface FeedClient {
  readonly response: ServerResponse;
  /**
   * The socket of the request: a response that has closed has none any more. It takes the bytes after
   * the head, since the response would frame each chunk again.
   */
  readonly socket: Socket;
  /** Whether the response has chunks; of HTTP/1.0, it ends with its connection. */
  readonly isChunked: boolean;
}

/** @returns whether the socket has room for more */
export function write({ socket, isChunked }: FeedClient, chunk: Chunk | null): boolean {
  if (chunk === null) return !socket.writableNeedDrain;
  return socket.write(isChunked ? chunk.framed : chunk.bytes);
}

/**
 * How long a client may take to read the last bytes before its connection is reset: some, such as all on
 * Node.js, take a reset for an end when they come to both at once.
 */
const resetAfterMs = 200;

/**
 * Ends a response before its end, once what was written has been sent. Without its last chunk, no
 * client takes it for complete (RFC 9112, section 8). A response of HTTP/1.0 has no such mark: there
 * the connection is reset.
 */
export function breakOff({ socket, isChunked }: FeedClient): void {
  if (isChunked) socket.destroySoon();
  else socket.write('', () => setTimeout(() => socket.resetAndDestroy(), resetAfterMs));
}
