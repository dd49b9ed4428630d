import { formatPosition, tagAfter } from '../../events/position.js';
import type { StreamInfo } from '../../store/stream-manager.js';

/** What is known of a stream, as JSON answers have it. */
export function toStatus(info: StreamInfo) {
  const { nextOffset, lastEvent, status, createdAt, updatedAt, expiresAt, ttlMs } = info;
  return {
    nextOffset,
    nextId: formatPosition(nextOffset, tagAfter(lastEvent)),
    streamStatus: status,
    createdAt: toRfc3339(createdAt),
    updatedAt: toRfc3339(updatedAt),
    expiresAt: expiresAt === null ? null : toRfc3339(expiresAt),
    ttlSeconds: ttlMs / 1000,
  };
}

function toRfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
