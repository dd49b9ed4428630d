import { isUtf8 } from 'node:buffer';
import { ServiceError } from '../errors.js';
import { eventFields, maxBatchEvents, maxEventDepth } from './event.js';
import { readFields } from './json-members.js';
import {
  type ByteRange,
  isPlainObject,
  type JsonScan,
  type ScanFault,
  scanInSteps,
  scanJson,
} from './json-scan.js';

/** One event of a body: JSON that has not been checked against the schema yet. */
export interface ParsedEvent {
  /** The text as it was sent, a view of the body. */
  readonly text: Buffer;
  /** The value of the text, which need not be an event; the contents of `data` may be left out. */
  readonly value: unknown;
}

/** Text up to this size is parsed without a scan, at 100 ns a byte at worst. */
const smallBytes = 16 * 1024;

/** Text up to this size is parsed whole once the scan has accepted it: 7 ms at worst. */
const wholeBytes = 64 * 1024;

/** How much of a body is scanned in one step. */
const stepBytes = 256 * 1024;

/** The fast path for nearly all events; null when the text needs a scan. */
export function parsePlain(text: Buffer): ParsedEvent | null {
  if (text.length > smallBytes || !isUtf8(text)) return null;
  const json = text.toString('utf8');
  if (!isPlainObject(json, maxEventDepth)) return null;
  try {
    return { text, value: JSON.parse(json) };
  } catch {
    return null; // the scan finds what is wrong, and where
  }
}

/**
 * Splits a body, one JSON value or an array of 1 to `maxBatchEvents`, in steps.
 *
 * @throws ServiceError `invalid_json`, `invalid_event`
 */
export function* splitBody(body: Buffer): Generator<void, Buffer[]> {
  const limits = { maxDepth: maxEventDepth, maxElements: maxBatchEvents };
  const scan = yield* scanInSteps(body, limits, stepBytes);
  rejectFault(body, scan, 'the body', nameInBody);
  if (scan.elements.length === 0) throw wrongCount();
  return scan.elements.map(({ start, end }) => body.subarray(start, end));
}

/**
 * Parses one line of NDJSON.
 *
 * @param name name of the line in messages
 * @throws ServiceError `invalid_json`, `invalid_event`
 */
export function parseLine(line: Buffer, name: string): ParsedEvent {
  const plain = parsePlain(line);
  if (plain !== null) return plain;
  const scan = scanJson(line, { maxDepth: maxEventDepth, maxElements: 1 });
  if (scan.isArray) throw invalidEvent(`${name} must be one event, not an array`);
  rejectFault(line, scan, name, () => name);
  const { start, end } = scan.elements[0] as ByteRange;
  const text = line.subarray(start, end);
  return { text, value: readFields(text, eventFields) };
}

/** Parses the texts that `splitBody` found in a body; a small body at once, since that costs less. */
export function* parseScanned(body: Buffer, texts: readonly Buffer[]): Generator<ParsedEvent> {
  const values = body.length <= wholeBytes ? parseAll(body) : null;
  for (const [index, text] of texts.entries()) {
    yield { text, value: values === null ? readFields(text, eventFields) : values[index] };
  }
}

function parseAll(body: Buffer): unknown[] {
  const value: unknown = JSON.parse(body.toString('utf8'));
  return Array.isArray(value) ? value : [value];
}

/**
 * Parses a small body that is no event.
 *
 * @throws ServiceError `invalid_json`, `invalid_event`
 */
export function parseSmall(body: Buffer): unknown {
  const maxElements = Number.POSITIVE_INFINITY;
  const scan = scanJson(body, { maxDepth: maxEventDepth, maxElements });
  rejectFault(body, scan, 'the body', () => 'the body');
  return JSON.parse(body.toString('utf8'));
}

/** The name of an event of a body in messages. */
export function nameInBody(index: number): string {
  return `event ${index}`;
}

export function invalidEvent(message: string): ServiceError {
  return new ServiceError('invalid_event', message);
}

function rejectFault(
  text: Buffer,
  scan: JsonScan,
  name: string,
  nameOf: (index: number) => string,
): void {
  const { fault } = scan;
  // Text that is not UTF-8 is not JSON either, but the scan does not check strings for it.
  if (!isUtf8(text)) throw notJson(`${placeOf(scan, name, firstNotUtf8(text, scan))} is not UTF-8`);
  if (fault === null) return;
  const { reason, byte, element } = fault;
  if (reason === 'too_many_elements') throw wrongCount();
  if (reason === 'not_json') throw notJson(describeFault(text, scan, name, fault));
  const what =
    reason === 'nesting'
      ? `is nested deeper than ${maxEventDepth} levels`
      : 'has a key named __proto__';
  throw invalidEvent(`${nameOf(element)} ${what} (at byte ${byte})`);
}

function notJson(message: string): ServiceError {
  return new ServiceError('invalid_json', message);
}

function wrongCount(): ServiceError {
  return invalidEvent(`an array must have 1 to ${maxBatchEvents} events`);
}

/** The first element that is not UTF-8, or the one in which the scan stopped. */
function firstNotUtf8(text: Buffer, { elements }: JsonScan): number {
  const index = elements.findIndex(({ start, end }) => !isUtf8(text.subarray(start, end)));
  return index === -1 ? elements.length : index;
}

function describeFault(text: Buffer, scan: JsonScan, name: string, fault: ScanFault): string {
  const { byte, element, start } = fault;
  if (start === text.length && !scan.isArray) return `${name} is empty`;
  const place = placeOf(scan, name, element);
  if (byte === text.length) return `${place} is not JSON (it ends too early)`;
  return `${place} is not JSON (at character ${text.toString('utf8', start, byte).length})`;
}

function placeOf({ isArray, elements, fault }: JsonScan, name: string, index: number): string {
  if (!isArray) return name;
  const start = elements[index]?.start ?? fault?.start;
  return `event ${index}, from byte ${start} of the body on,`;
}
