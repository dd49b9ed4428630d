import { randomUUID } from 'node:crypto';
import { ServiceError } from '../errors.js';
import { describeIssue, findIssue } from '../issue-message.js';
import { type EventInput, endingOf, eventFields, eventSchema } from './event.js';
import {
  invalidEvent,
  nameInBody,
  type ParsedEvent,
  parseLine,
  parsePlain,
  parseScanned,
  splitBody,
} from './parse-events.js';
import { runAtOnce } from './slices.js';
import type { StoredEvent } from './stored-event.js';

export interface EncodeLimits {
  /** Max size of one event as sent, in bytes. */
  readonly maxEventBytes: number;
}

/**
 * Turns a request body, one JSON event or an array of 1 to `maxBatchEvents`, into the events to
 * store. The text of an event stays as the worker sent it, byte for byte, with two exceptions: missing
 * fields are added at the end, and line breaks between tokens become spaces. The events may be views
 * of the body, which is changed in place.
 *
 * @throws ServiceError `invalid_json`, `invalid_event`, `event_too_large`; the message says which
 *   event, and where in it.
 */
export function encodeEvents(body: Buffer, limits: EncodeLimits): StoredEvent[] {
  const plain = body.length <= limits.maxEventBytes ? parsePlain(body) : null;
  if (plain !== null) return [encodeEvent(plain, nameInBody(0))];
  return runAtOnce(encodeInSteps(body, limits));
}

/** Does what `encodeEvents` does in steps of some milliseconds at most. */
export function* encodeInSteps(body: Buffer, limits: EncodeLimits): Generator<void, StoredEvent[]> {
  const texts = yield* splitBody(body);
  for (const [index, text] of texts.entries()) rejectTooLarge(text, nameInBody(index), limits);
  const events: StoredEvent[] = [];
  for (const event of parseScanned(body, texts)) {
    events.push(encodeEvent(event, nameInBody(events.length)));
    yield;
  }
  return events;
}

/**
 * Turns one line of NDJSON into the event to store, as `encodeEvents` does.
 *
 * @param name name of the line in messages
 */
export function encodeLine(line: Buffer, name: string, limits: EncodeLimits): StoredEvent {
  rejectTooLarge(line, name, limits);
  return encodeEvent(parseLine(line, name), name);
}

function encodeEvent({ text, value }: ParsedEvent, name: string): StoredEvent {
  const event = checkEvent(value, name);
  const bytes = withFields(text, missingFields(event));
  replaceLineBreaks(bytes);
  return { bytes, type: event.type, ending: endingOf(event.type, event.done === true) };
}

function missingFields(event: EventInput): string {
  let missing = '';
  if (event.id === undefined) missing += `,"id":"auto-${randomUUID()}"`;
  if (event.content === undefined) missing += ',"content":""';
  if (event.done === undefined) missing += ',"done":false';
  if (event.timestamp === undefined) missing += `,"timestamp":"${isoNow()}"`;
  return missing;
}

let isoTime = { ms: Number.NaN, text: '' };

/** The time in RFC 3339, formatted once a millisecond: all events of a batch without a time get it. */
function isoNow(): string {
  const ms = Date.now();
  if (ms !== isoTime.ms) isoTime = { ms, text: new Date(ms).toISOString() };
  return isoTime.text;
}

/** @param fields JSON to insert before the closing brace */
function withFields(text: Buffer, fields: string): Buffer {
  if (fields === '') return text;
  const bytes = Buffer.allocUnsafe(text.length + fields.length);
  const brace = text.length - 1;
  text.copy(bytes);
  bytes.write(fields, brace, 'latin1');
  bytes[bytes.length - 1] = text[brace] as number;
  return bytes;
}

function checkEvent(value: unknown, name: string): EventInput {
  const result = eventSchema.safeParse(value);
  if (result.success) return result.data;
  const { field, message } = findIssue(eventSchema, value);
  const isUnknown = field !== '' && !eventFields.has(field);
  const hint = isUnknown ? '; put custom values into `data`' : '';
  throw invalidEvent(describeIssue({ field, message }, name) + hint);
}

function rejectTooLarge(text: Buffer, name: string, { maxEventBytes }: EncodeLimits): void {
  if (text.length <= maxEventBytes) return;
  const message = `${name} has ${text.length} bytes, more than ${maxEventBytes}`;
  throw new ServiceError('event_too_large', message);
}

/** Replaces line breaks by spaces. In JSON, raw ones occur between tokens only (RFC 8259, section 7). */
function replaceLineBreaks(bytes: Buffer): void {
  if (bytes.indexOf(0x0a) === -1 && bytes.indexOf(0x0d) === -1) return;
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] === 0x0a || bytes[at] === 0x0d) bytes[at] = 0x20;
  }
}
