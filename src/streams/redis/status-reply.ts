import type { Ending } from '../lifecycle.js';
import { decodeStoredEvent } from '../stream-event.js';
import type { StreamInfo } from '../stream-manager.js';

/** What the status script says, with the length of the lease: 0 when there is none. */
export function toStreamInfo(reply: unknown): StreamInfo & { readonly leaseMs: number } {
  const [, length, last, status, endedForMs, createdAt, updatedAt, ttlMs, now, leaseMs, ...rest] =
    reply as StatusReply;
  const [epoch, nextSeq] = rest;
  const ending = status.toString() as Ending | '';
  return {
    nextOffset: length,
    lastEvent: decodeStoredEvent(last),
    status: ending === '' ? 'open' : ending,
    endedForMs: ending === '' ? null : endedForMs,
    createdAt,
    updatedAt,
    expiresAt: ttlMs < 0 ? null : now + ttlMs,
    producer: epoch === null ? null : { epoch, nextSeq },
    leaseMs,
  };
}

/** In the order of the status script. */
type StatusReply = [
  outcome: Buffer,
  length: number,
  last: Buffer,
  status: Buffer,
  endedForMs: number,
  createdAt: number,
  updatedAt: number,
  ttlMs: number,
  now: number,
  leaseMs: number,
  epoch: number | null,
  nextSeq: number,
];
