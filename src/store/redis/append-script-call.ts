import { ServiceError } from '../../errors.js';
import type { StoredEvent } from '../../events/stored-event.js';
import {
  onlyEnds,
  planAppend,
  type StreamLimits,
  streamEnded,
  streamFull,
  titleGraceMs,
} from '../lifecycle.js';
import { producerFenced, producerGap, tooManyProducers } from '../producer.js';
import type { Appended, AppendOptions } from '../stream-manager.js';
import { codeIn } from './connection/redis-errors.js';

/** The reply of a script on a stream: an outcome and its details. */
export type Reply = readonly [outcome: Buffer, ...details: (number | Buffer | null)[]];

/** The limits that an append is subject to. */
export interface AppendTerms {
  readonly limits: StreamLimits;
  /** How long after its creation heartbeats keep a stream from expiring. */
  readonly maxAgeMs: number;
  /** False when the stream could not be added to the index of its session. */
  readonly mayBegin: boolean;
}

/** The arguments of `append-events.lua` from 'max events of a stream' on. */
export function appendArguments(
  events: readonly StoredEvent[],
  { producer, leaseMs = 0, ttlMs = 0 }: AppendOptions,
  { limits, maxAgeMs, mayBegin }: AppendTerms,
): (string | number | Buffer)[] {
  const plan = planAppend(events);
  return [
    limits.maxStreamEvents,
    limits.maxStreamBytes,
    plan.countedEvents,
    plan.countedBytes,
    plan.mayFollowEnd ? '1' : '0',
    titleGraceMs,
    plan.rejection === null ? (plan.ending ?? '') : 'rejected',
    onlyEnds(plan) ? '1' : '0',
    mayBegin ? '1' : '0',
    ttlMs,
    maxAgeMs,
    leaseMs,
    producer?.id ?? '',
    producer?.epoch ?? 0,
    producer?.seq ?? 0,
    ...events.map((event) => event.bytes),
  ];
}

/**
 * The result of an append from the reply of its script.
 *
 * @throws ServiceError as `StreamManager.appendEvents`
 */
export function toAppended(
  [outcome, detail, leaseFault]: Reply,
  events: readonly StoredEvent[],
  limits: StreamLimits,
): Appended {
  const number = Number(detail);
  const count = events.length;
  switch (outcome.toString()) {
    case 'ok':
      return { offset: number, nextOffset: number + count, count };
    case 'duplicate':
      if (leaseFault) throw leaseNotRenewed(String(leaseFault), count);
      return { offset: number, nextOffset: number, count: 0 };
    case 'rejected':
      throw planAppend(events).rejection;
    case 'ended':
      throw streamEnded(String(detail));
    case 'full':
      throw streamFull(limits);
    case 'fenced':
      throw producerFenced(number);
    case 'gap':
      throw producerGap(number);
    case 'too_many_producers':
      throw tooManyProducers();
    default:
      throw new Error(`unknown outcome of the append script: ${outcome}`);
  }
}

/** An error for a retry whose events were stored before: only the lease was not renewed. */
function leaseNotRenewed(fault: string, stored: number): ServiceError {
  const code = codeIn(fault) === 'OOM' ? 'store_full' : 'backend_unavailable';
  return new ServiceError(code, 'the lease could not be renewed', { stored });
}
