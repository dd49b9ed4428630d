import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { ServiceError } from '../errors.js';
import { type Ending, endingOf } from './lifecycle.js';
import { isOrdinaryEvent } from './ordinary-event.js';
import {
  invalidEvent,
  nameInBody,
  type ParsedEvent,
  parseEvents,
  parseLine,
} from './parse-events.js';
import { type EventInput, eventSchema, type StoredEvent } from './stream-event.js';

export interface EncodeLimits {
  /** The most bytes of one event, as it was sent. */
  readonly maxEventBytes: number;
}

/** An event that was checked, before its text has a place of its own. */
export interface DraftEvent {
  readonly type: string;
  /** How this event ends its stream; null when it does not. */
  readonly ending: Ending | null;
  /** A view of the body. */
  readonly text: Buffer;
  /** The fields that the worker left out, as JSON to be put before the closing brace. */
  readonly missing: string;
}

/**
 * Turns a request body, one JSON event or an array of 1 to `maxBatchEvents`, into the events to
 * store. What the worker sent stays as it is, byte for byte, but for two things: fields that it
 * left out are spliced in at the end, and line breaks between tokens become spaces.
 *
 * @throws ServiceError `invalid_json`, `invalid_event`, `event_too_large`; the message says which
 *   event, and where in it.
 */
export function encodeEvents(body: Buffer, limits: EncodeLimits): StoredEvent[] {
  const now = new Date().toISOString();
  return storeTexts(
    parseEvents(body).map((event, index) => {
      const name = nameInBody(index);
      rejectTooLarge(event.text, name, limits);
      return draftEvent(event, name, now);
    }),
  );
}

/**
 * Checks one line of NDJSON as `encodeEvents` does; `storeTexts` makes the events of all drafts of
 * a batch.
 *
 * @param name what messages call it
 * @param now RFC 3339, for an event that has no time of its own
 */
export function draftLine(
  line: Buffer,
  name: string,
  now: string,
  limits: EncodeLimits,
): DraftEvent {
  rejectTooLarge(line, name, limits);
  return draftEvent(parseLine(line, name), name, now);
}

/**
 * Copies the texts of one batch out of the body, which would otherwise stay in memory with them,
 * into one piece of memory: they are stored together and forgotten together.
 */
export function storeTexts(drafts: readonly DraftEvent[]): StoredEvent[] {
  let total = 0;
  for (const { text, missing } of drafts) total += text.length + missing.length;
  const memory = Buffer.allocUnsafeSlow(total);
  let start = 0;
  const events = drafts.map(({ text, missing, type, ending }) => {
    const end = start + text.length + missing.length;
    writeText(memory, start, text, missing);
    const bytes = memory.subarray(start, end);
    start = end;
    return { bytes, type, ending };
  });
  replaceLineBreaks(memory);
  return events;
}

function draftEvent({ text, value }: ParsedEvent, name: string, now: string): DraftEvent {
  const event = isOrdinaryEvent(value) ? value : checkEvent(value, name);
  const ending = endingOf(event.type, event.done === true);
  return { text, type: event.type, ending, missing: missingFields(event, now) };
}

function missingFields(event: EventInput, now: string): string {
  let missing = '';
  if (event.id === undefined) missing += `,"id":"auto-${randomUUID()}"`;
  if (event.content === undefined) missing += ',"content":""';
  if (event.done === undefined) missing += ',"done":false';
  if (event.timestamp === undefined) missing += `,"timestamp":"${now}"`;
  return missing;
}

function writeText(memory: Buffer, start: number, text: Buffer, missing: string): void {
  text.copy(memory, start);
  if (missing === '') return;
  const brace = start + text.length - 1;
  memory.write(missing, brace, 'latin1');
  memory[brace + missing.length] = 0x7d;
}

function checkEvent(value: unknown, name: string): EventInput {
  const result = eventSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  if (issue.code === 'unrecognized_keys') {
    const pointer = toPointer([...issue.path, issue.keys[0] as string]);
    throw invalidEvent(name, `at ${pointer}`, 'is an unknown field; custom values go into data');
  }
  throw invalidEvent(name, `at ${toPointer(issue.path)}`, issue.message);
}

/** A JSON pointer (RFC 6901) into the event; the event itself is `/`, for the reader's eye. */
function toPointer(path: readonly PropertyKey[]): string {
  const escaped = path.map((key) => String(key).replaceAll('~', '~0').replaceAll('/', '~1'));
  return `/${escaped.join('/')}`.slice(0, 200);
}

function rejectTooLarge(text: Buffer, name: string, { maxEventBytes }: EncodeLimits): void {
  if (text.length <= maxEventBytes) return;
  const message = `${name} has ${text.length} bytes, more than ${maxEventBytes}`;
  throw new ServiceError('event_too_large', message);
}

/** In JSON, a raw line break stands between tokens only (RFC 8259, section 7). */
function replaceLineBreaks(bytes: Buffer): void {
  for (const lineBreak of [0x0a, 0x0d]) {
    let at = bytes.indexOf(lineBreak);
    while (at !== -1) {
      bytes[at] = 0x20;
      at = bytes.indexOf(lineBreak, at + 1);
    }
  }
}
