/** Names one stream: the event log of one message of one session. */
export interface StreamId {
  readonly sessionId: string;
  readonly messageId: string;
}

/** The pattern of session and message ids. No `:`, which separates the parts of a Redis key. */
export const idPattern = /^[A-Za-z0-9_-][A-Za-z0-9._~-]{0,127}$/;

/** One string per stream, unique because ids hold no `:`. For map keys and Redis keys. */
export function streamKey({ sessionId, messageId }: StreamId): string {
  return `${sessionId}:${messageId}`;
}
