import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Chunk } from '../sse/chunk.js';

/** The response and socket that a feed writes to, once the head has been sent. */
export interface FeedClient {
  readonly response: ServerResponse;
  /**
   * The socket of the request, as a closed response has none. The feed writes to it and not to the
   * response, which would frame each chunk again.
   */
  readonly socket: Socket;
  /** Whether the response is chunked; in HTTP/1.0, it ends with its connection. */
  readonly isChunked: boolean;
}

/** @returns whether the socket has room for more */
export function write({ socket, isChunked }: FeedClient, chunk: Chunk | null): boolean {
  if (chunk === null) return !socket.writableNeedDrain;
  return socket.write(isChunked ? chunk.framed : chunk.bytes);
}

/**
 * How long a client may take to read the last bytes before its connection is reset: some, such as all on
 * Node.js, see a normal end when they read the last bytes and the reset at once.
 */
const resetAfterMs = 200;

/**
 * Ends a response as incomplete, once the written bytes have been sent. Without its last chunk, no client
 * considers it complete (RFC 9112, section 8). HTTP/1.0 has no such mark, so the connection is reset.
 */
export function breakOff({ socket, isChunked }: FeedClient): void {
  if (isChunked) socket.destroySoon();
  else socket.write('', () => setTimeout(() => socket.resetAndDestroy(), resetAfterMs));
}
