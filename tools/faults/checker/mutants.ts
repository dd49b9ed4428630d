import { isProducerLost } from '../load/numbered-event.js';
import type { Attempt, Frame, ReaderLog, StreamLog } from './logs.js';
import type { Invariant } from './verdict.js';

export interface Mutant {
  readonly name: string;
  /** The invariants by which it may be caught. */
  readonly caughtBy: readonly Invariant[];
  /** A log as if a defect of the service had been at work in the middle of its first reader. */
  mutate(log: StreamLog, other: StreamLog): StreamLog;
}

/** What the checker must see of events. */
export const mutants: readonly Mutant[] = [
  ofFrames('drops one', ['I3', 'I5', 'I12'], (frames, at) => frames.toSpliced(at, 1)),
  ofFrames('repeats one', ['I2'], (frames, at) => frames.toSpliced(at, 0, frames[at] as Frame)),
  ofFrames('swaps two', ['I5', 'I3'], (frames, at) =>
    frames.toSpliced(at, 2, frames[at + 1] as Frame, frames[at] as Frame),
  ),
  ofFrames('swaps the data of two', ['I3'], (frames, at) => {
    const [first, second] = [frames[at] as Frame, frames[at + 1] as Frame];
    const swapped = [
      { ...first, data: second.data },
      { ...second, data: first.data },
    ] as const;
    return frames.toSpliced(at, 2, ...swapped);
  }),
  ofFrames("delivers another stream's", ['I7'], (frames, at, other) =>
    frames.toSpliced(at, 1, { ...(frames[at] as Frame), data: other.stored[at] as string }),
  ),
  ofFrames('ends early in silence', ['I6'], (frames, at) => frames.slice(0, at)),
  ofFrames('changes a byte', ['I8'], (frames, at) => {
    const { data, ...frame } = frames[at] as Frame;
    const changed = data.replace('"content":"m', '"content":"M');
    return frames.toSpliced(at, 1, { ...frame, data: changed });
  }),
  ofFrames('skips an id', ['I5'], (frames, at) =>
    frames.map((frame, index) =>
      index < at ? frame : { ...frame, id: frame.id.replace(/^\d+/, String(index + 2)) },
    ),
  ),
  ofFrames('gives an id that fits another event', ['I5'], (frames, at) =>
    frames.toSpliced(at, 1, { ...(frames[at] as Frame), id: `${at + 1}-00000000` }),
  ),
  of('ends it late', 'I9', (log) => ({ ...log, leaseEndsAt: (log.leaseEndsAt ?? 0) - 100 })),
  of('ends it early', 'I9', (log) => ({ ...log, leaseEndsAt: Infinity })),
  of('gives up a producer that lives', 'I9', (log) => {
    return { ...log, leaseEndsAt: null, leaseMs: Infinity };
  }),
  of('ends it twice', 'I9', (log) => {
    return { ...log, stored: [...log.stored, ...log.stored.filter(isProducerLost)] };
  }),
  of('loses what it acknowledged', 'I1', (log) =>
    withStored(log, (stored, at) => stored.toSpliced(at, 1)),
  ),
  of('stores one twice', 'I2', (log) =>
    withStored(log, (stored, at) => stored.toSpliced(at, 0, stored[at] as string)),
  ),
  of('stores what it rejected', 'I4', (log) => {
    const rejected = { stored: 0, rest: 'rejected' } as const;
    const fourth = { ...(log.attempts[3] as Attempt), ...rejected };
    return { ...log, attempts: log.attempts.with(3, fourth) };
  }),
  of('responds late', 'I10', (log) => {
    const late = (attempt: Attempt) => ({ ...attempt, completedAt: attempt.completedAt + 100 });
    return { ...log, attempts: log.attempts.map(late) };
  }),
  of('leaves a reader waiting', 'I6', (log) =>
    withReader(log, (reader) => asLog(reader, { isFinished: false })),
  ),
  of('closes a reader for good', 'I6', (log) =>
    withReader(log, (reader) => asLog(reader, { closedForGood: '503' })),
  ),
];

function of(name: string, invariant: Invariant, mutate: Mutant['mutate']): Mutant {
  return { name, caughtBy: [invariant], mutate };
}

type MutateFrames = (frames: readonly Frame[], at: number, other: StreamLog) => readonly Frame[];

function ofFrames(name: string, caughtBy: Invariant[], mutateFrames: MutateFrames): Mutant {
  const mutate = (log: StreamLog, other: StreamLog) =>
    withReader(log, (reader) => {
      const at = Math.floor(reader.frames.length / 2);
      return asLog(reader, { frames: [...mutateFrames(reader.frames, at, other)] });
    });
  return { name, caughtBy, mutate };
}

function withReader(log: StreamLog, mutate: (reader: ReaderLog) => ReaderLog): StreamLog {
  const [first, ...others] = log.readers;
  return { ...log, readers: [mutate(first as ReaderLog), ...others] };
}

function withStored(
  log: StreamLog,
  mutate: (stored: readonly string[], at: number) => string[],
): StreamLog {
  return { ...log, stored: mutate(log.stored, Math.floor(log.stored.length / 2)) };
}

function asLog(reader: ReaderLog, changes: Partial<ReaderLog>): ReaderLog {
  const { frames, connections, isFinished, closedForGood } = reader;
  return { frames, connections, isFinished, closedForGood, ...changes };
}
