import { createHash } from 'node:crypto';

/** What a reader has, to be compared with what was sent. */
export interface Received {
  readonly name: string;
  readonly reconnects: number;
  /** The data of the frames, in the order in which they came. */
  readonly frames: readonly string[];
}

export interface Verdict extends Received {
  readonly sha256: string;
  /** Number of the first event that is not as sent, counted from 1; null when all is equal. */
  readonly firstDifference: number | null;
}

/** @param sent the JSON texts of the events, as they were posted */
export function judge(sent: readonly string[], received: Received): Verdict {
  const expected = sent.map(toFrameData);
  const { name, reconnects, frames } = received;
  const sha256 = digest(frames);
  const isEqual = frames.length === expected.length && sha256 === digest(expected);
  const firstDifference = isEqual ? null : findDifference(expected, frames);
  return { name, reconnects, frames, sha256, firstDifference };
}

/** What the feed makes of an event: one line for every client, also for one that breaks at U+2028. */
export function toFrameData(json: string): string {
  return json
    .replaceAll('\u0085', '\\u0085')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
    .replace(/[\r\n]/g, ' ');
}

/** SHA-256 over the texts, each followed by a line feed. */
export function digest(texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text}\n`);
  return hash.digest('hex');
}

function findDifference(expected: readonly string[], frames: readonly string[]): number {
  const index = expected.findIndex((text, at) => text !== frames[at]);
  return (index === -1 ? expected.length : index) + 1;
}

export function verdictTable(sent: readonly string[], verdicts: readonly Verdict[]): string {
  const rows = [
    ['reader', 'events', 'reconnects', 'sha256', ''],
    ['(sent)', String(sent.length), '', digest(sent.map(toFrameData)).slice(0, 16), ''],
    ...verdicts.map((verdict) => [
      verdict.name,
      String(verdict.frames.length),
      String(verdict.reconnects),
      verdict.sha256.slice(0, 16),
      wording(verdict.firstDifference),
    ]),
  ];
  return rows.map(toLine).join('\n');
}

function wording(firstDifference: number | null): string {
  return firstDifference === null ? 'equal' : `DIFFERENT from event ${firstDifference} on`;
}

const widths = [10, 8, 12, 18, 0] as const;

function toLine(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(widths[index] ?? 0))
    .join('')
    .trimEnd();
}
