import { isProducerLost } from '../load/numbered-event.js';
import type { Frame, ReaderLog, StreamLog } from './logs.js';
import type { Invariant } from './verdict.js';

export interface Mutant {
  readonly name: string;
  /** The invariants by which it may be caught. */
  readonly caughtBy: readonly Invariant[];
  /** A log as if a defect of the service had been at work in the middle of its first reader. */
  mutate(log: StreamLog, other: StreamLog): StreamLog;
}

/** What the checker must see. */
export const mutants: readonly Mutant[] = [
  ofFrames('drops one', ['I3', 'I5', 'I12'], (frames, at) => frames.toSpliced(at, 1)),
  ofFrames('repeats one', ['I2'], (frames, at) => frames.toSpliced(at, 0, frames[at] as Frame)),
  ofFrames('swaps two', ['I5', 'I3'], (frames, at) =>
    frames.toSpliced(at, 2, frames[at + 1] as Frame, frames[at] as Frame),
  ),
  ofFrames('swaps the data of two', ['I3'], (frames, at) => {
    const [first, second] = [frames[at] as Frame, frames[at + 1] as Frame];
    return frames.toSpliced(
      at,
      2,
      { ...first, data: second.data },
      { ...second, data: first.data },
    );
  }),
  ofFrames("delivers another stream's", ['I7'], (frames, at, other) =>
    frames.toSpliced(at, 1, { ...(frames[at] as Frame), data: other.stored[at] as string }),
  ),
  ofFrames('ends early in silence', ['I6'], (frames, at) => frames.slice(0, at)),
  ofFrames('changes a byte', ['I8'], (frames, at) => {
    const { data, ...frame } = frames[at] as Frame;
    return frames.toSpliced(at, 1, {
      ...frame,
      data: data.replace('"content":"m', '"content":"M'),
    });
  }),
  ofFrames('skips an id', ['I5'], (frames, at) =>
    frames.map((frame, index) =>
      index < at ? frame : { ...frame, id: frame.id.replace(/^\d+/, String(index + 2)) },
    ),
  ),
  ofFrames('gives an id that fits another event', ['I5'], (frames, at) =>
    frames.toSpliced(at, 1, { ...(frames[at] as Frame), id: `${at + 1}-00000000` }),
  ),
  {
    name: 'ends it late',
    caughtBy: ['I9'],
    mutate: (log) => ({ ...log, leaseEndsAt: (log.leaseEndsAt ?? 0) - 100 }),
  },
  { name: 'ends it early', caughtBy: ['I9'], mutate: (log) => ({ ...log, leaseEndsAt: Infinity }) },
  {
    name: 'gives up a producer that lives',
    caughtBy: ['I9'],
    mutate: (log) => ({ ...log, leaseEndsAt: null, leaseMs: Infinity }),
  },
  {
    name: 'ends it twice',
    caughtBy: ['I9'],
    mutate: (log) => ({ ...log, stored: [...log.stored, ...log.stored.filter(isProducerLost)] }),
  },
  {
    name: 'loses what it acknowledged',
    caughtBy: ['I1'],
    mutate: (log) => withStored(log, (stored, at) => stored.toSpliced(at, 1)),
  },
  {
    name: 'stores one twice',
    caughtBy: ['I2'],
    mutate: (log) => withStored(log, (stored, at) => stored.toSpliced(at, 0, stored[at] as string)),
  },
  {
    name: 'stores what it rejected',
    caughtBy: ['I4'],
    mutate: (log) => ({
      ...log,
      attempts: log.attempts.map((attempt, index) =>
        index === 3 ? { ...attempt, stored: 0, rest: 'rejected' as const } : attempt,
      ),
    }),
  },
  {
    name: 'responds late',
    caughtBy: ['I10'],
    mutate: (log) => ({
      ...log,
      attempts: log.attempts.map((attempt) => ({
        ...attempt,
        completedAt: attempt.completedAt + 100,
      })),
    }),
  },
  {
    name: 'leaves a reader waiting',
    caughtBy: ['I6'],
    mutate: (log) => withReader(log, (reader) => asLog(reader, { isFinished: false })),
  },
  {
    name: 'closes a reader for good',
    caughtBy: ['I6'],
    mutate: (log) => withReader(log, (reader) => asLog(reader, { closedForGood: '503' })),
  },
];

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
