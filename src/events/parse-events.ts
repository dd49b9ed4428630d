import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { ServiceError } from '../errors.js';
import { runAtOnce } from '../time-slices.js';
import { describeIssue, findIssue } from '../validation-message.js';
import {
  type EventInput,
  endingOf,
  eventFields,
  eventSchema,
  maxBatchEvents,
  maxEventDepth,
  parseOrNull,
  type StoredEvent,
} from './event.js';
import { readFields } from './json-members.js';
import {
  type ByteRange,
  isPlainObject,
  type JsonScan,
  type ScanFault,
  scanInSteps,
  scanJson,
} from './json-scan.js';
import { isPlainEvent } from './plain-event.js';

/** Text up to this size is parsed without a scan, at 100 ns a byte at worst. */
const smallBytes = 16 * 1024;

/** Text up to this size is parsed whole once the scan has accepted it: 7 ms at worst. */
const wholeBytes = 64 * 1024;

/** How much of a body is scanned in one step. */
const stepBytes = 256 * 1024;

export interface ParseLimits {
  /** Max size of one event as sent, in bytes. */
  readonly maxEventBytes: number;
}

/** An event as it was sent: JSON that has not been checked against the schema yet. */
export interface ParsedEvent {
  /** A view of the body. */
  readonly text: Buffer;
  /** The value of the text, which need not be an event; the contents of `data` may be left out. */
  readonly value: unknown;
}

/** The records that a body holds. */
export interface RecordKind<Stored> {
  /** The name of one record in messages. */
  readonly noun: 'event' | 'input';
  /** Max number of records in one body. */
  readonly maxCount: number;
  /** @param name name of the record in messages @throws ServiceError `invalid_event` */
  readonly encode: (parsed: ParsedEvent, name: string) => Stored;
}

const eventKind: RecordKind<StoredEvent> = {
  noun: 'event',
  maxCount: maxBatchEvents,
  encode: (parsed, name) => encodeEvent(parsed, name),
};

/**
 * Turns a request body, one JSON event or an array of 1 to `maxBatchEvents`, into the events to
 * store. The text of an event stays as the worker sent it, byte for byte, with two exceptions: missing
 * fields are added at the end, and line breaks between tokens become spaces. The events may be views
 * of the body, which is changed in place.
 *
 * @throws ServiceError `invalid_json`, `invalid_event`, `event_too_large`; the message says which
 *   event, and where in it.
 */
export function parseEvents(body: Buffer, limits: ParseLimits): StoredEvent[] {
  const plain = body.length <= limits.maxEventBytes ? parsePlain(body) : null;
  if (plain !== null) return [encodeEvent(plain, 'event 0')];
  return runAtOnce(parseEventsInSteps(body, limits));
}

/** Does what `parseEvents` does in steps of some milliseconds at most. */
export function parseEventsInSteps(
  body: Buffer,
  limits: ParseLimits,
): Generator<void, StoredEvent[]> {
  return parseRecordsInSteps(body, limits, eventKind);
}

/** As `parseEventsInSteps`, for records that may be of another kind. */
export function* parseRecordsInSteps<Stored>(
  body: Buffer,
  limits: ParseLimits,
  kind: RecordKind<Stored>,
): Generator<void, Stored[]> {
  const { noun, maxCount, encode } = kind;
  const scan = yield* scanInSteps(
    body,
    { maxDepth: maxEventDepth, maxElements: maxCount },
    stepBytes,
  );
  rejectFault(body, scan, 'the body', kind);
  if (scan.elements.length === 0) throw wrongCount(kind);
  const texts = scan.elements.map(({ start, end }) => body.subarray(start, end));
  for (const [index, text] of texts.entries()) rejectTooLarge(text, `${noun} ${index}`, limits);
  const values = body.length <= wholeBytes ? [JSON.parse(body.toString('utf8'))].flat() : null;
  const records: Stored[] = [];
  for (const [index, text] of texts.entries()) {
    const value: unknown = values === null ? readFields(text, eventFields) : values[index];
    records.push(encode({ text, value }, `${noun} ${index}`));
    yield;
  }
  return records;
}

/**
 * Turns one line of NDJSON into the event to store, as `parseEvents` does.
 *
 * @param name name of the line in messages
 */
export function parseEventLine(line: Buffer, name: string, limits: ParseLimits): StoredEvent {
  rejectTooLarge(line, name, limits);
  return encodeEvent(parseLine(line, name), name);
}

/** @param extra JSON of further members, in ASCII, each with a comma before it */
export function encodeEvent({ text, value }: ParsedEvent, name: string, extra = ''): StoredEvent {
  const event = checkEvent(value, name);
  const bytes = withFields(text, missingFields(event) + extra);
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
  if (isPlainEvent(value)) return value;
  const result = eventSchema.safeParse(value);
  if (result.success) return result.data;
  const { field, message } = findIssue(eventSchema, value);
  const isUnknown = field !== '' && !eventFields.has(field);
  const hint = isUnknown ? '; put custom values into `data`' : '';
  throw invalidEvent(describeIssue({ field, message }, name) + hint);
}

function rejectTooLarge(text: Buffer, name: string, { maxEventBytes }: ParseLimits): void {
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

/** The fast path for nearly all events; null when the text needs a scan. */
function parsePlain(text: Buffer): ParsedEvent | null {
  if (text.length > smallBytes || !isUtf8(text)) return null;
  const json = text.toString('utf8');
  if (!isPlainObject(json, maxEventDepth)) return null;
  const value = parseOrNull(json);
  return value === null ? null : { text, value }; // the scan finds what is wrong, and where
}

function parseLine(line: Buffer, name: string): ParsedEvent {
  const plain = parsePlain(line);
  if (plain !== null) return plain;
  const scan = scanJson(line, { maxDepth: maxEventDepth, maxElements: 1 });
  if (scan.isArray) throw invalidEvent(`${name} must be one event, not an array`);
  rejectFault(line, scan, name, eventKind, name);
  const { start, end } = scan.elements[0] as ByteRange;
  const text = line.subarray(start, end);
  return { text, value: readFields(text, eventFields) };
}

/**
 * Parses a small body that is no event.
 *
 * @throws ServiceError `invalid_json`, `invalid_event`
 */
export function parseSmall(body: Buffer): unknown {
  const maxElements = Number.POSITIVE_INFINITY;
  const scan = scanJson(body, { maxDepth: maxEventDepth, maxElements });
  rejectFault(body, scan, 'the body', eventKind, 'the body');
  return JSON.parse(body.toString('utf8'));
}

/** @throws ServiceError `invalid_event` */
export function invalidEvent(message: string): ServiceError {
  return new ServiceError('invalid_event', message);
}

function rejectFault(
  text: Buffer,
  scan: JsonScan,
  name: string,
  kind: RecordKind<unknown>,
  nameOfRecord?: string,
): void {
  const { fault } = scan;
  // Text that is not UTF-8 is not JSON either, but the scan does not check strings for it.
  if (!isUtf8(text))
    throw notJson(`${placeOf(scan, name, kind, firstNotUtf8(text, scan))} is not UTF-8`);
  if (fault === null) return;
  const { reason, byte, element } = fault;
  if (reason === 'too_many_elements') throw wrongCount(kind);
  if (reason === 'not_json') throw notJson(describeFault(text, scan, name, kind, fault));
  const what =
    reason === 'nesting'
      ? `is nested deeper than ${maxEventDepth} levels`
      : 'has a key named __proto__';
  throw invalidEvent(`${nameOfRecord ?? `${kind.noun} ${element}`} ${what} (at byte ${byte})`);
}

function notJson(message: string): ServiceError {
  return new ServiceError('invalid_json', message);
}

function wrongCount({ noun, maxCount }: RecordKind<unknown>): ServiceError {
  return invalidEvent(`an array must have 1 to ${maxCount} ${noun}s`);
}

/** The first element that is not UTF-8, or the one in which the scan stopped. */
function firstNotUtf8(text: Buffer, { elements }: JsonScan): number {
  const index = elements.findIndex(({ start, end }) => !isUtf8(text.subarray(start, end)));
  return index === -1 ? elements.length : index;
}

function describeFault(
  text: Buffer,
  scan: JsonScan,
  name: string,
  kind: RecordKind<unknown>,
  fault: ScanFault,
): string {
  const { byte, element, start } = fault;
  if (start === text.length && !scan.isArray) return `${name} is empty`;
  const place = placeOf(scan, name, kind, element);
  if (byte === text.length) return `${place} is not JSON (it ends too early)`;
  return `${place} is not JSON (at character ${text.toString('utf8', start, byte).length})`;
}

function placeOf(
  { isArray, elements, fault }: JsonScan,
  name: string,
  { noun }: RecordKind<unknown>,
  index: number,
): string {
  if (!isArray) return name;
  const start = elements[index]?.start ?? fault?.start;
  return `${noun} ${index}, from byte ${start} of the body on,`;
}
