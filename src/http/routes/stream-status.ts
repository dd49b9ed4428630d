import { z } from 'zod';
import { formatPosition, tagAfter } from '../../events/position.js';
import type { StreamInfo } from '../../store/stream-manager.js';
import { components } from './documentation.js';

export const offset = z
  .int()
  .min(0)
  .describe('a place in the stream: the number of events before it');

export const nextId = z
  .string()
  .describe('a place with a checksum that tells whose it is, to resume from: `3-3592a1b6`');

export const streamStatus = z.enum(['open', 'complete', 'stopped', 'failed']);

const time = z.iso.datetime().describe('RFC 3339, by the clock of the store');

export const statusSchema = z
  .strictObject({
    nextOffset: offset,
    nextId,
    streamStatus,
    createdAt: time,
    updatedAt: time,
    expiresAt: time
      .nullable()
      .describe('null when another program stored the stream without expiry'),
    ttlSeconds: z.number().describe('how long the stream is kept after its last event'),
  })
  .register(components, { id: 'Status' });

export const statusExample: z.infer<typeof statusSchema> = {
  nextOffset: 1,
  nextId: '1-3592a1b6',
  streamStatus: 'open',
  createdAt: '2026-01-01T12:00:02.120Z',
  updatedAt: '2026-01-01T12:00:02.120Z',
  expiresAt: '2026-01-01T13:00:02.120Z',
  ttlSeconds: 3600,
};

/** The status of a stream, as in JSON responses. */
export function toStatus(info: StreamInfo): z.infer<typeof statusSchema> {
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
