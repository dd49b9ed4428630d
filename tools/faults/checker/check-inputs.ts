import { isEnding, readInput, readNumbered } from '../load/numbered-event.js';
import { idAfter, onOneLine } from './check-reader.js';
import type { InputAttempt, InputsLog, IntakeLog, StreamLog } from './logs.js';
import type { Breach, Invariant, Rules } from './verdict.js';

type Note = (invariant: Invariant, text: string) => void;

/** What is stored of the inputs of a stream, and what its workers made of them. */
export function checkInputs(log: StreamLog, { mayLose }: Rules): Breach[] {
  const { inputs } = log;
  if (inputs === null) return [];
  const breaches: Breach[] = [];
  const note: Note = (invariant, text) => breaches.push({ invariant, text: `inputs: ${text}` });
  const numbers = checkElements(log.name, inputs.stored, note);
  const lost = acknowledgedIn(inputs.attempts).filter((number) => !numbers.includes(number));
  const hasLost = mayLose && (lost.length > 0 || wasLost(log));
  if (!mayLose && lost.length > 0) note('I1', `${lost.join(', ')} acknowledged and not stored`);
  checkOrder(numbers, hasLost, note);
  checkOutcomes(inputs.attempts, numbers, note);
  checkEnd(log, inputs.attempts, numbers, note);
  // What the workers of a stream that was lost did belongs to several streams.
  if (!hasLost) {
    for (const intake of inputs.intakes) checkIntake(intake, inputs.stored, note);
    checkClaims(log, inputs, numbers, note);
  }
  return breaches;
}

/** The numbers of what is stored. */
function checkElements(stream: string, stored: readonly string[], note: Note): number[] {
  return stored.map((text, index) => {
    const input = readInput(text);
    if (input === null) note('I8', `element ${index} is not as it was sent: ${text}`);
    else if (input.stream !== stream) note('I7', `element ${index} belongs to ${input.stream}`);
    return input?.number ?? -1;
  });
}

function acknowledgedIn(attempts: readonly InputAttempt[]): number[] {
  return attempts.filter(({ outcome }) => outcome === 'stored').flatMap(numbersOf);
}

function numbersOf({ from, count }: InputAttempt): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

/** Whether somebody was told that the stream is not the one there was. */
function wasLost({ attempts, readers, inputs }: StreamLog): boolean {
  const frames = [...readers, ...(inputs?.intakes ?? [])].flatMap((seen) => seen.frames);
  const codes = [...attempts, ...(inputs?.attempts ?? [])].map(({ code }) => code ?? '');
  return (
    frames.some(({ event }) => event === 'reset') ||
    codes.some((code) => ['producer_gap', 'inputs_gap', 'not_found'].includes(code))
  );
}

/** Each was sent until it was stored: they lie one by one, from the first on unless it was lost. */
function checkOrder(numbers: readonly number[], hasLost: boolean, note: Note): void {
  const repeats = numbers.length - new Set(numbers).size;
  if (repeats > 0) note('I2', `${repeats} are stored twice`);
  const first = hasLost ? (numbers[0] ?? 0) : 0;
  const odd = numbers.findIndex((number, index) => number !== first + index);
  if (odd >= 0) note('I3', `element ${odd} is input ${numbers[odd]}`);
}

/** What was rejected because the stream had ended is not stored, nor is what was never sent. */
function checkOutcomes(
  attempts: readonly InputAttempt[],
  numbers: readonly number[],
  note: Note,
): void {
  const possible = new Set(
    attempts.filter(({ outcome }) => outcome !== 'rejected').flatMap(numbersOf),
  );
  const ended = new Set(attempts.filter(({ code }) => code === 'stream_ended').flatMap(numbersOf));
  const wrong = numbers.filter((number) => !possible.has(number) || ended.has(number));
  if (wrong.length > 0) note('I4', `stored, but rejected: ${wrong.join(', ')}`);
}

/** Nothing is stored that was first sent when a reader had the end. */
function checkEnd(
  { readers }: StreamLog,
  attempts: readonly InputAttempt[],
  numbers: readonly number[],
  note: Note,
): void {
  const ends = readers.flatMap(({ frames }) => frames.filter(({ data }) => isEnding(data)));
  const endedAt = Math.min(...ends.map(({ at }) => at));
  const before = new Set(attempts.filter(({ sentAt }) => sentAt < endedAt).flatMap(numbersOf));
  const after = numbers.filter((number) => !before.has(number));
  if (after.length > 0) note('I13', `sent after the end, and stored: ${after.join(', ')}`);
}

/** The frames of a worker are what is stored, from its offset on. */
function checkIntake(
  { fromOffset, frames }: IntakeLog,
  stored: readonly string[],
  note: Note,
): void {
  const wrong = frames.find(({ id, data }, index) => {
    const element = stored[fromOffset + index];
    return (
      element === undefined ||
      data !== onOneLine(element) ||
      id !== idAfter(element, fromOffset + index)
    );
  });
  if (wrong !== undefined) note('I14', `a worker read ${wrong.id} in the place of another`);
}

/** The events list the inputs one by one, and as many of them at any moment as are acknowledged. */
function checkClaims(
  { stored }: StreamLog,
  { progress }: InputsLog,
  numbers: readonly number[],
  note: Note,
): void {
  const lists = stored.map((text) => readNumbered(text)?.inputs ?? []);
  const taken = lists.flat();
  const odd = taken.findIndex((number, index) => number !== numbers[index]);
  if (odd >= 0) note('I14', `events list ${taken[odd]} in the place of ${numbers[odd]}`);
  for (const { events, acknowledged } of progress) {
    const listed = lists.slice(0, events).flat().length;
    if (listed === acknowledged) continue;
    note('I15', `${events} events list ${listed} inputs, and ${acknowledged} are acknowledged`);
  }
  const last = readNumbered(stored.at(-1) ?? '');
  const hasReadAll = last?.inputs === undefined || !isEnding(stored.at(-1) ?? '');
  if (!hasReadAll && taken.length !== numbers.length) {
    note('I15', `it was ended with ${numbers.length - taken.length} inputs unread`);
  }
}
