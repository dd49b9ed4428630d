import type { Ending } from '../../events/event.js';
import { decodeInTurns } from '../../events/stored-event.js';
import type { StreamInfo } from '../stream-manager.js';

/** The status of a stream from the reply of the status script. */
export interface StreamStatusReply {
  readonly info: StreamInfo;
  /** Length of the lease; 0 without one. */
  readonly leaseMs: number;
  /** Milliseconds until the list expires; null when it does not. */
  readonly livesMs: number | null;
}

/** @param defaultTtlMs time to live of a stream without its own */
export async function parseStatusReply(
  reply: unknown,
  defaultTtlMs: number,
): Promise<StreamStatusReply> {
  const [, length, last, status, endedForMs, endedOffset, createdAt, updatedAt, ...rest] =
    reply as RawReply;
  const [livesMs, now, leaseMs, ownTtlMs, epoch, nextSeq] = rest;
  const ending = status.toString() as Ending | '';
  const info = {
    nextOffset: length,
    lastEvent: await decodeInTurns(last),
    status: ending === '' ? ('open' as const) : ending,
    endedForMs: ending === '' ? null : endedForMs,
    endedOffset: ending === '' ? null : endedOffset || length,
    createdAt,
    updatedAt,
    expiresAt: livesMs < 0 ? null : now + livesMs,
    ttlMs: ownTtlMs || defaultTtlMs,
    producer: epoch === null ? null : { epoch, nextSeq },
  };
  return { info, leaseMs, livesMs: livesMs < 0 ? null : livesMs };
}

/** The reply, in the order of the status script. */
type RawReply = [
  outcome: Buffer,
  length: number,
  last: Buffer,
  status: Buffer,
  endedForMs: number,
  endedOffset: number,
  createdAt: number,
  updatedAt: number,
  livesMs: number,
  now: number,
  leaseMs: number,
  ownTtlMs: number,
  epoch: number | null,
  nextSeq: number,
];
