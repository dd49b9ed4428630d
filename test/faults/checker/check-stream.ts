import { isProducerLost } from '../load/numbered-event.js';
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
    ...checkAnswers(log, rules),
    ...checkEnd(log, rules),
  ];
  const repeated = readers.reduce((sum, verdict) => sum + verdict.repeatedEvents, 0);
  return {
    breaches: breaches.map(({ invariant, text }) => ({ invariant, text: `${log.name}: ${text}` })),
    lostEvents: store.losses.length,
    repeatedEvents: store.repeatedEvents + repeated,
  };
}

function checkAnswers({ attempts }: StreamLog, { answerLimitMs }: Rules): Breach[] {
  const durationOf = ({ sentAt, settledAt }: Attempt) => settledAt - sentAt;
  const slowest = Math.max(0, ...attempts.map(durationOf));
  if (slowest <= answerLimitMs) return [];
  return [{ invariant: 'I10', text: `an append took ${slowest.toFixed(0)} ms` }];
}

function checkEnd({ stored, readers, leaseEndsAt }: StreamLog, { lateEndMs }: Rules): Breach[] {
  const endings = stored.filter(isProducerLost).length;
  if (leaseEndsAt === null) {
    return endings === 0 ? [] : [{ invariant: 'I9', text: 'its living producer was given up' }];
  }
  if (endings !== 1) return [{ invariant: 'I9', text: `it ended ${endings} times` }];
  const endedAt = Math.max(0, ...readers.flatMap(({ frames }) => frames.at(-1)?.at ?? []));
  const lateMs = endedAt - leaseEndsAt;
  if (lateMs >= 0 && lateMs <= lateEndMs) return [];
  return [{ invariant: 'I9', text: `it ended ${lateMs.toFixed(0)} ms after its lease` }];
}
