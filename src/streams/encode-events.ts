import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { ServiceError } from '../errors.js';
import { type ByteRange, type JsonScan, scanJson } from './json-scan.js';
import { endingOf } from './lifecycle.js';
import { eventSchema, type StoredEvent } from './stream-event.js';
import { maxBatchEvents } from './stream-manager.js';

/** The deepest nesting of one event: the event object itself is the first level. */
export const maxEventDepth = 64;

export interface EncodeLimits {
  /** The most bytes of one event, as it was sent. */
  readonly maxEventBytes: number;
}

type EventInput = z.infer<typeof eventSchema>;

/**
 * Turns a request body, one JSON event or an array of 1 to `maxBatchEvents`, into the events to
 * store. What the worker sent stays as it is, byte for byte, but for two things: fields that it
 * left out are spliced in at the end, and line breaks between tokens become spaces.
 *
 * @throws ServiceError `invalid_json`, `invalid_event`, `event_too_large`; the message says which
 *   event, and where in it.
 */
export function encodeEvents(body: Buffer, limits: EncodeLimits): StoredEvent[] {
  const scan = scanJson(body, { maxDepth: maxEventDepth, maxElements: maxBatchEvents });
  rejectScanFault(scan, nameInBody);
  const values = parseBody(body, scan);
  if (values.length === 0) throw wrongCount();
  const now = new Date().toISOString();
  return values.map((value, index) => {
    const { start, end } = scan.elements[index] as ByteRange;
    const text = body.subarray(start, end);
    const name = nameInBody(index);
    rejectTooLarge(text, name, limits);
    return encodeEvent(text, checkEvent(value, name), now);
  });
}

/**
 * Turns one line of NDJSON into the event to store, as `encodeEvents` does.
 *
 * @param name what messages call it
 * @param now RFC 3339, for an event that has no time of its own
 */
export function encodeLine(
  line: Buffer,
  name: string,
  now: string,
  limits: EncodeLimits,
): StoredEvent {
  rejectTooLarge(line, name, limits);
  const scan = scanJson(line, { maxDepth: maxEventDepth, maxElements: 1 });
  if (scan.isArray) throw invalidEvent(name, 'at /', 'a line holds one event, not an array');
  rejectScanFault(scan, () => name);
  const [value] = parseBody(line, scan, name);
  const { start, end } = scan.elements[0] as ByteRange;
  return encodeEvent(line.subarray(start, end), checkEvent(value, name), now);
}

function nameInBody(index: number): string {
  return `event ${index}`;
}

function rejectScanFault({ fault }: JsonScan, nameOf: (index: number) => string): void {
  if (fault === null) return;
  if (fault.reason === 'too_many_elements') throw wrongCount();
  const what =
    fault.reason === 'nesting'
      ? `is nested deeper than ${maxEventDepth} levels`
      : 'has a key named __proto__';
  throw invalidEvent(nameOf(fault.element), `at byte ${fault.byte}`, what);
}

function wrongCount(): ServiceError {
  return new ServiceError('invalid_event', `an array takes 1 to ${maxBatchEvents} events`);
}

function parseBody(body: Buffer, scan: JsonScan, name = 'the body'): unknown[] {
  try {
    const value = parseJson(body);
    return scan.isArray ? (value as unknown[]) : [value];
  } catch (error) {
    throw new ServiceError('invalid_json', placeOfFault(body, scan, name), {}, { cause: error });
  }
}

/** Unlike `JSON.parse` of a decoded buffer, refuses what is not UTF-8 instead of replacing it. */
function parseJson(text: Buffer): unknown {
  if (!isUtf8(text)) throw new SyntaxError('not UTF-8');
  return JSON.parse(text.toString('utf8'));
}

/** Parses element by element to say which one is at fault. */
function placeOfFault(body: Buffer, { elements, isArray }: JsonScan, name: string): string {
  for (const [index, { start, end }] of elements.entries()) {
    const text = body.subarray(start, end);
    const place = isArray ? `event ${index}, from byte ${start} of the body on,` : name;
    if (!isUtf8(text)) return `${place} is not UTF-8`;
    try {
      JSON.parse(text.toString('utf8'));
    } catch (error) {
      return `${place} is not JSON${positionIn(error as SyntaxError)}`;
    }
  }
  return elements.length === 0 ? `${name} is empty` : `${name} is not JSON`;
}

/** The position that V8 gives in the message, without the piece of the text that it quotes. */
function positionIn(error: SyntaxError): string {
  const position = /at position (\d+)/.exec(error.message)?.[1];
  if (position !== undefined) return ` (at character ${position})`;
  return error.message.startsWith('Unexpected end') ? ' (it ends too early)' : '';
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

function invalidEvent(name: string, place: string, what: string): ServiceError {
  return new ServiceError('invalid_event', `${name} ${place}: ${what}`);
}

function rejectTooLarge(text: Buffer, name: string, { maxEventBytes }: EncodeLimits): void {
  if (text.length <= maxEventBytes) return;
  const message = `${name} has ${text.length} bytes, more than ${maxEventBytes}`;
  throw new ServiceError('event_too_large', message);
}

/** @param now RFC 3339, for an event that has no time of its own */
function encodeEvent(text: Buffer, event: EventInput, now: string): StoredEvent {
  const missing =
    (event.id === undefined ? `,"id":"auto-${randomUUID()}"` : '') +
    (event.content === undefined ? ',"content":""' : '') +
    (event.done === undefined ? ',"done":false' : '') +
    (event.timestamp === undefined ? `,"timestamp":"${now}"` : '');
  // A buffer of its own, not a view: a view would keep the whole request body alive.
  const bytes = Buffer.allocUnsafeSlow(text.length + missing.length);
  const brace = text.length - 1;
  text.copy(bytes, 0, 0, brace);
  bytes.write(`${missing}}`, brace, 'latin1');
  replaceLineBreaks(bytes);
  return { bytes, type: event.type, ending: endingOf(event.type, event.done === true) };
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
