import type { Ending } from '../../events/event.js';
import { decodeInTurns } from '../../events/stored-event.js';
import type { StreamInfo } from '../stream-manager.js';

/** What the status script returns of a stream. */
export interface StreamStatusReply {
  readonly info: StreamInfo;
  /** 0 when there is no lease. */
  readonly leaseMs: number;
  /** In how many ms the list expires; null when it does not. */
  readonly livesMs: number | null;
}

/** @param defaultTtlMs of a stream that has no time to live of its own */
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

/** In the order of the status script. */
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
