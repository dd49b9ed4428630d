import { numberedEvent, readNumbered } from '../load/numbered-event.js';
import type { InputAttempt, InputProgress, InputsLog, IntakeLog, StreamLog } from './logs.js';
import type { Mutant } from './mutants.js';
import type { Invariant } from './verdict.js';

/** What the checker must see of inputs. */
export const inputMutants: readonly Mutant[] = [
  ofStored('loses an input that it acknowledged', 'I1', (stored, at) => stored.toSpliced(at, 1)),
  ofStored('stores an input twice', 'I2', (stored, at) =>
    stored.toSpliced(at, 0, stored[at] as string),
  ),
  ofStored('swaps two inputs', 'I3', (stored, at) =>
    stored.toSpliced(at, 2, stored[at + 1] as string, stored[at] as string),
  ),
  ofStored("stores another stream's input", 'I7', (stored, at, other) =>
    stored.with(at, other.stored[at] as string),
  ),
  ofStored('changes a byte of an input', 'I8', (stored, at) =>
    stored.with(at, (stored[at] as string).replace('"content":"m', '"content":"M')),
  ),
  ofAttempts('stores an input that it rejected', 'I4', (attempt) => {
    return { ...attempt, outcome: 'rejected', code: 'stream_ended' };
  }),
  ofAttempts('stores an input after the end', 'I13', (attempt) => {
    return { ...attempt, sentAt: Infinity };
  }),
  ofIntakes('skips an input for a worker', ([first, ...others]) => [
    { ...first, frames: first.frames.toSpliced(2, 1) },
    ...others,
  ]),
  ofIntakes('repeats an input for a worker that takes over', ([first, ...others]) => [
    first,
    ...others,
    { fromOffset: first.fromOffset + 2, frames: first.frames.slice(1) },
  ]),
  ofLists('has a worker take in one twice', (list) => [list[0] as number, ...list]),
  ofLists('has a worker take in one too few', (list) => list.slice(1)),
  ofProgress('acknowledges what no event took in', ({ events, acknowledged }) => {
    return { events, acknowledged: acknowledged + 1 };
  }),
  ofProgress('loses what events took in', ({ events, acknowledged }) => {
    return { events, acknowledged: acknowledged - 1 };
  }),
  {
    name: 'ends a stream with inputs unread',
    caughtBy: ['I15'],
    mutate: (log) => {
      const lists = log.stored.map((text) => readNumbered(text)?.inputs ?? []);
      const { stored } = inputsOf(log);
      const rest = lists.flat().length < stored.length ? stored : [...stored, stored[0] as string];
      const end = numberedEvent({ stream: log.name, number: log.stored.length, inputs: [] }, true);
      const inputs = { ...inputsOf(log), stored: rest, progress: [] };
      return { ...log, stored: [...log.stored.slice(0, -1), end], inputs };
    },
  },
];

function inputsOf(log: StreamLog): InputsLog {
  return log.inputs as InputsLog;
}

function withInputs(log: StreamLog, changes: Partial<InputsLog>): StreamLog {
  return { ...log, inputs: { ...inputsOf(log), ...changes } };
}

type MutateStored = (stored: readonly string[], at: number, other: InputsLog) => readonly string[];

function ofStored(name: string, invariant: Invariant, mutateStored: MutateStored): Mutant {
  return {
    name,
    caughtBy: [invariant],
    mutate: (log, other) =>
      withInputs(log, { stored: mutateStored(inputsOf(log).stored, 2, inputsOf(other)) }),
  };
}

/** Of those that had the third input in them. */
function ofAttempts(
  name: string,
  invariant: Invariant,
  mutateAttempt: (attempt: InputAttempt) => InputAttempt,
): Mutant {
  const hasThird = ({ from, count }: InputAttempt) => from <= 2 && 2 < from + count;
  return {
    name,
    caughtBy: [invariant],
    mutate: (log) => {
      const { attempts } = inputsOf(log);
      const mutated = attempts.map((attempt) =>
        hasThird(attempt) ? mutateAttempt(attempt) : attempt,
      );
      return withInputs(log, { attempts: mutated });
    },
  };
}

type Intakes = [IntakeLog, ...IntakeLog[]];

/** Of those that read something. */
function ofIntakes(name: string, mutateIntakes: (intakes: Intakes) => IntakeLog[]): Mutant {
  return {
    name,
    caughtBy: ['I14'],
    mutate: (log) => {
      const used = inputsOf(log).intakes.filter(({ frames }) => frames.length > 3) as Intakes;
      return withInputs(log, { intakes: mutateIntakes(used) });
    },
  };
}

/** Of the first event that took inputs in. */
function ofLists(name: string, mutateList: (list: readonly number[]) => readonly number[]): Mutant {
  const listOf = (text: string) => readNumbered(text)?.inputs ?? [];
  return {
    name,
    caughtBy: ['I14'],
    mutate: (log) => {
      const at = log.stored.findIndex((text) => listOf(text).length > 0);
      const text = log.stored[at] as string;
      const inputs = mutateList(listOf(text));
      const event = JSON.parse(text) as { readonly data: object };
      const mutated = JSON.stringify({ ...event, data: { ...event.data, inputs } });
      return { ...log, stored: log.stored.with(at, mutated) };
    },
  };
}

function ofProgress(name: string, mutate: (progress: InputProgress) => InputProgress): Mutant {
  return {
    name,
    caughtBy: ['I15'],
    mutate: (log) => withInputs(log, { progress: inputsOf(log).progress.map(mutate) }),
  };
}
