import { isProducerLost, readNumbered } from '../load/numbered-event.js';
import type { Attempt, StreamLog } from './logs.js';
import type { Breach, Invariant } from './verdict.js';

export interface StoreVerdict {
  /** One for each acknowledged event that is not stored. */
  readonly losses: readonly Breach[];
  readonly breaches: readonly Breach[];
  readonly repeatedEvents: number;
}

/** What is stored, against what the producer was told. */
export function checkStored(log: StreamLog): StoreVerdict {
  const numbers: number[] = [];
  const breaches: Breach[] = [];
  const note = (invariant: Invariant, text: string) => breaches.push({ invariant, text });
  for (const [index, text] of log.stored.entries()) {
    if (isProducerLost(text)) continue;
    const event = readNumbered(text);
    if (event === null) note('I8', `element ${index} is not as it was sent: ${text}`);
    else if (event.stream !== log.name) note('I7', `element ${index} belongs to ${event.stream}`);
    else numbers.push(event.number);
  }
  const known = new Set(numbers);
  const repeatedEvents = numbers.length - known.size;
  if (repeatedEvents > 0) note('I2', `${repeatedEvents} events are stored twice`);
  if (log.isExactlyOnce && !isAscending(numbers)) note('I3', 'stored in another order than sent');
  const { acknowledged, unknown } = fatesOf(log.attempts);
  const false_ = numbers.filter((number) => !acknowledged.has(number) && !unknown.has(number));
  if (false_.length > 0) note('I4', `stored, but rejected: events ${false_.join(', ')}`);
  const lost = [...acknowledged].filter((number) => !known.has(number));
  const losses = lost.map((number) => lossOf(number));
  return { losses, breaches, repeatedEvents };
}

function lossOf(number: number): Breach {
  return { invariant: 'I1', text: `event ${number} was acknowledged and is not stored` };
}

function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number >= (numbers[index - 1] as number));
}

/** Which events are stored for certain, and of which nobody knows. */
function fatesOf(attempts: readonly Attempt[]) {
  const acknowledged = new Set<number>();
  const unknown = new Set<number>();
  for (const { from, count, stored, rest } of attempts) {
    for (let index = 0; index < count; index += 1) {
      if (index < stored) acknowledged.add(from + index);
      else if (rest === 'unknown') unknown.add(from + index);
    }
  }
  return { acknowledged, unknown };
}
