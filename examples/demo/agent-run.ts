import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DemoError } from './demo-error.js';

/** One event of a recorded run. */
export interface RecordedEvent {
  /** Its JSON text, as it stands in the file. */
  readonly text: string;
  /** How long after the event before it came. */
  readonly gapMs: number;
  /** Of the approval that the agent waits for after it; null when it goes on. */
  readonly approvalId: string | null;
}

export type AgentRun = readonly RecordedEvent[];

/** The fields that matter here; the service checks the rest. */
interface EventFields {
  readonly id?: unknown;
  readonly type?: unknown;
  readonly content?: unknown;
  readonly done?: unknown;
  readonly timestamp?: unknown;
  readonly data?: unknown;
}

/** The pace of events that do not say when they came. */
const steadyGapMs = 30;

/** The longest gap after the end: at any speed, the feeds still linger for the title. */
const maxLateGapMs = 200;

/**
 * Reads a run, one JSON event a line. A run that does not end gets a `complete` event.
 *
 * @throws DemoError that names the file and the line
 */
export async function loadAgentRun(file: string): Promise<AgentRun> {
  const lines = (await readText(file)).split('\n').map((line) => line.trim());
  const texts: string[] = [];
  const events: EventFields[] = [];
  for (const [index, text] of lines.entries()) {
    if (text === '') continue;
    texts.push(text);
    events.push(parseEvent(text, `${file}, line ${index + 1},`));
  }
  if (events.length === 0) throw new DemoError(`${file} has no events`);
  const run = texts.map((text, index) => ({
    text,
    gapMs: gapMs(events, index),
    approvalId: approvalIdOf(events[index]),
  }));
  if (events.some(isTerminal)) return run;
  const end = '{"type":"complete","done":true}';
  return [...run, { text: end, gapMs: steadyGapMs, approvalId: null }];
}

async function readText(file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: Error) => {
    throw new DemoError(`The input cannot be read: ${error.message}`);
  });
  if (!isUtf8(bytes)) throw new DemoError(`${file} is not UTF-8`);
  return bytes.toString('utf8');
}

function parseEvent(text: string, place: string): EventFields {
  const event = parseJson(text, place);
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw new DemoError(`${place} is not a JSON object`);
  }
  if (!('type' in event)) throw new DemoError(`${place} has no type`);
  return event;
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DemoError(`${place} is not JSON: ${(error as Error).message}`);
  }
}

function gapMs(events: readonly EventFields[], index: number): number {
  if (index === 0) return 0;
  const recorded = timeOf(events[index]) - timeOf(events[index - 1]);
  const gap = Number.isNaN(recorded) ? steadyGapMs : Math.max(0, recorded);
  return events.slice(0, index).some(isTerminal) ? Math.min(gap, maxLateGapMs) : gap;
}

function timeOf(event: EventFields | undefined): number {
  return typeof event?.timestamp === 'string' ? Date.parse(event.timestamp) : Number.NaN;
}

function approvalIdOf(event: EventFields | undefined): string | null {
  if (event?.type !== 'tool_approval_required') return null;
  const id = (event.data as { approval_id?: unknown } | null | undefined)?.approval_id ?? event.id;
  return typeof id === 'string' ? id : null;
}

function isTerminal({ type, done }: EventFields): boolean {
  return type === 'complete' || type === 'stop' || (type === 'error' && done === true);
}

/**
 * Adds the fields that the service would add, so that it stores exactly what is sent. They are
 * spliced in before the last brace: printing the parsed event anew would round its numbers.
 */
export function completeEvent(text: string, now: Date): string {
  const event = JSON.parse(text) as EventFields;
  const missing =
    (event.id === undefined ? `,"id":"demo-${randomUUID()}"` : '') +
    (event.content === undefined ? ',"content":""' : '') +
    (event.done === undefined ? ',"done":false' : '') +
    (event.timestamp === undefined ? `,"timestamp":"${now.toISOString()}"` : '');
  return `${text.slice(0, -1)}${missing}}`;
}
