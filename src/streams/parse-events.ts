import { isUtf8 } from 'node:buffer';
import { ServiceError } from '../errors.js';
import { type ByteRange, isPlainObject, type JsonScan, scanJson } from './json-scan.js';
import { maxEventDepth } from './stream-event.js';
import { maxBatchEvents } from './stream-manager.js';

/** One event of a body: JSON, of which nothing else is known yet. */
export interface ParsedEvent {
  /** The text as it was sent, a view of the body. */
  readonly text: Buffer;
  readonly value: unknown;
}

/**
 * Takes a body apart, one JSON value or an array of 1 to `maxBatchEvents`.
 *
 * @throws ServiceError `invalid_json`, `invalid_event`
 */
export function parseEvents(body: Buffer): ParsedEvent[] {
  const single = parsePlain(body);
  if (single !== null) return [single];
  const scan = scanJson(body, { maxDepth: maxEventDepth, maxElements: maxBatchEvents });
  rejectScanFault(scan, nameInBody);
  const events = parseScanned(body, scan, 'the body');
  if (events.length === 0) throw wrongCount();
  return events;
}

/**
 * Parses one line of NDJSON.
 *
 * @param name what messages call it
 * @throws ServiceError `invalid_json`, `invalid_event`
 */
export function parseLine(line: Buffer, name: string): ParsedEvent {
  const plain = parsePlain(line);
  if (plain !== null) return plain;
  const scan = scanJson(line, { maxDepth: maxEventDepth, maxElements: 1 });
  if (scan.isArray) throw invalidEvent(name, 'at /', 'a line holds one event, not an array');
  rejectScanFault(scan, () => name);
  return parseScanned(line, scan, name)[0] as ParsedEvent;
}

/** What messages call an event of a body. */
export function nameInBody(index: number): string {
  return `event ${index}`;
}

export function invalidEvent(name: string, place: string, what: string): ServiceError {
  return new ServiceError('invalid_event', `${name} ${place}: ${what}`);
}

/** The short way for nearly all events; null when it takes the scan to tell what there is. */
function parsePlain(text: Buffer): ParsedEvent | null {
  if (!isUtf8(text)) return null;
  const json = text.toString('utf8');
  if (!isPlainObject(json, maxEventDepth)) return null;
  try {
    return { text, value: JSON.parse(json) };
  } catch {
    return null; // the long way says what is wrong, and where
  }
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

function parseScanned(body: Buffer, scan: JsonScan, name: string): ParsedEvent[] {
  let parsed: unknown;
  try {
    parsed = parseJson(body);
  } catch (error) {
    throw new ServiceError('invalid_json', placeOfFault(body, scan, name), {}, { cause: error });
  }
  const values = scan.isArray ? (parsed as unknown[]) : [parsed];
  return values.map((value, index) => {
    const { start, end } = scan.elements[index] as ByteRange;
    return { text: body.subarray(start, end), value };
  });
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
