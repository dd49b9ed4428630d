import { isProducerLost } from '../load/numbered-event.js';
import { checkInputs } from './check-inputs.js';
import { checkReader } from './check-reader.js';
import { checkStored } from './check-stored.js';
import type { Attempt, StreamLog } from './logs.js';
import type { Breach, Rules, Verdict } from './verdict.js';

/** Decides by the invariants on what was noted of a stream. */
export function checkStream(log: StreamLog, rules: Rules): Verdict {
  const store = checkStored(log);
  const readers = log.readers.map((reader, index) => checkReader(log, reader, index));
  const losses = rules.mayLose ? [] : store.losses;
  const breaches = [
    ...losses,
    ...store.breaches,
    ...readers.flatMap((verdict) => verdict.breaches),
    ...checkInputs(log, rules),
    ...checkEnd(log),
  ];
  const late = [...checkResponses(log, rules), ...checkTimeOfEnd(log, rules)];
  const named = ({ invariant, text }: Breach) => ({ invariant, text: `${log.name}: ${text}` });
  const repeated = readers.reduce((sum, verdict) => sum + verdict.repeatedEvents, 0);
  return {
    breaches: breaches.map(named),
    late: late.map(named),
    lostEvents: store.losses.length,
    repeatedEvents: store.repeatedEvents + repeated,
  };
}

function checkResponses({ attempts, inputs }: StreamLog, { responseLimitMs }: Rules): Breach[] {
  const slowest = slowestResponseMs([...attempts, ...(inputs?.attempts ?? [])]);
  if (slowest <= responseLimitMs) return [];
  return [{ invariant: 'I10', text: `an append took ${slowest.toFixed(0)} ms` }];
}

/** A stream ends once when its producer has died, not before its lease, and else not at all. */
function checkEnd(log: StreamLog): Breach[] {
  const endings = log.stored.filter(isProducerLost).length;
  if (log.leaseEndsAt === null) {
    if (endings === 0 || !hasKeptLease(log)) return [];
    return [{ invariant: 'I9', text: 'its living producer was given up' }];
  }
  if (endings !== 1) return [{ invariant: 'I9', text: `it ended ${endings} times` }];
  const earlyMs = -lateEndMs(log);
  if (earlyMs <= 0) return [];
  return [{ invariant: 'I9', text: `it ended ${earlyMs.toFixed(0)} ms before its lease` }];
}

function checkTimeOfEnd(log: StreamLog, rules: Rules): Breach[] {
  if (log.leaseEndsAt === null || lateEndMs(log) <= rules.lateEndMs) return [];
  return [{ invariant: 'I9', text: `it ended ${lateEndMs(log).toFixed(0)} ms after its lease` }];
}

/**
 * Whether no two bodies can have reached the service further apart than the lease, however slow the
 * machine was that sent them.
 */
function hasKeptLease({ attempts, leaseMs }: StreamLog): boolean {
  return attempts.every(({ completedAt }, index) => {
    const before = attempts[index - 1]?.sentAt ?? completedAt;
    return completedAt - before < leaseMs;
  });
}

/** How long the slowest response among these took. */
export function slowestResponseMs(
  attempts: readonly Pick<Attempt, 'sentAt' | 'completedAt'>[],
): number {
  return attempts.reduce(
    (most, { sentAt, completedAt }) => Math.max(most, completedAt - sentAt),
    0,
  );
}

/** How long after the lease the last reader had the end. */
export function lateEndMs({ readers, leaseEndsAt }: StreamLog): number {
  return (
    Math.max(0, ...readers.flatMap(({ frames }) => frames.at(-1)?.at ?? [])) - (leaseEndsAt ?? 0)
  );
}
