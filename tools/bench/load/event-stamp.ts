/**
 * What a measured event carries at the start of its `content`, in digits of fixed width, so that it
 * is written into a prepared request and found in received bytes without any parsing of JSON:
 *
 *     ~ <stream> <writer> <number> <sent at>
 */

/** Begins a stamp. It stands nowhere else in what the systems send. */
export const stampMarker = 0x7e; // ~

const streamDigits = 5;
const writerDigits = 3;
const numberDigits = 7;
const sentAtDigits = 10;

export const stampBytes = 1 + streamDigits + writerDigits + numberDigits + sentAtDigits;

const writerAt = 1 + streamDigits;
const numberAt = writerAt + writerDigits;
const sentAtAt = numberAt + numberDigits;

const contentBytes = 120;

/** Room for an id of its own. */
export const emptyId = `i${'0'.repeat(writerDigits + numberDigits)}`;

/** Microseconds since this process began. */
export function nowUs(): number {
  return Math.round(performance.now() * 1000);
}

/** An event as a worker sends it, with a content of 120 bytes and an empty stamp. */
export function eventText(id = 'answer-1'): string {
  const words = 'The quick brown fox jumps over the lazy dog. '.repeat(3);
  const content = `~${'0'.repeat(stampBytes - 1)} ${words}`.slice(0, contentBytes);
  return JSON.stringify({
    id,
    type: 'answer',
    content,
    done: false,
    timestamp: '2026-01-01T12:00:00.000Z',
  });
}

/** @param at where the stamp begins */
export function writeOrigin(bytes: Buffer, at: number, stream: number, writer: number): void {
  writeDigits(bytes, at + 1, streamDigits, stream);
  writeDigits(bytes, at + writerAt, writerDigits, writer);
}

/** @param number counts the events of a writer from 0 */
export function writeMoment(bytes: Buffer, at: number, number: number, sentAtUs: number): void {
  writeDigits(bytes, at + numberAt, numberDigits, number);
  writeDigits(bytes, at + sentAtAt, sentAtDigits, sentAtUs);
}

/** @param at where `emptyId` begins */
export function writeId(bytes: Buffer, at: number, writer: number, number: number): void {
  writeDigits(bytes, at + 1, writerDigits, writer);
  writeDigits(bytes, at + 1 + writerDigits, numberDigits, number);
}

/** Each of these is NaN when there are no digits. */
export function streamOf(bytes: Buffer, at: number): number {
  return readDigits(bytes, at + 1, streamDigits);
}

export function writerOf(bytes: Buffer, at: number): number {
  return readDigits(bytes, at + writerAt, writerDigits);
}

export function numberOf(bytes: Buffer, at: number): number {
  return readDigits(bytes, at + numberAt, numberDigits);
}

export function sentAtUsOf(bytes: Buffer, at: number): number {
  return readDigits(bytes, at + sentAtAt, sentAtDigits);
}

function writeDigits(bytes: Buffer, at: number, digits: number, value: number): void {
  let rest = value;
  for (let index = at + digits - 1; index >= at; index -= 1) {
    bytes[index] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

function readDigits(bytes: Buffer, at: number, digits: number): number {
  let value = 0;
  for (let index = at; index < at + digits; index += 1) {
    const digit = (bytes[index] as number) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
