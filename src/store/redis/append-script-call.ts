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

/** What a script on a stream returns: an outcome, and what belongs to it. */
export type Reply = readonly [outcome: Buffer, ...details: (number | Buffer | null)[]];

/** What an append is made under. */
export interface AppendTerms {
  readonly limits: StreamLimits;
  /** How long after its beginning heartbeats keep a stream. */
  readonly maxAgeMs: number;
  /** False where the stream could not be noted in its session. */
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
    plan.rejection === null ? (plan.ending ?? '') : 'refused',
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
 * What the append script returns for these events.
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
    case 'refused':
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

/** The events are there, and were before; only the heartbeat could not be kept. */
function leaseNotRenewed(fault: string, stored: number): ServiceError {
  const code = codeIn(fault) === 'OOM' ? 'store_full' : 'backend_unavailable';
  return new ServiceError(code, 'the lease could not be renewed', { stored });
}
