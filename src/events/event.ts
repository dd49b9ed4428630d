import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { runAtOnce, runInSlices } from '../time-slices.js';
import { readFields } from './json-members.js';
import { hasFewBrackets, scanInSteps } from './json-scan.js';

/** The type of an event: an open set, safe in an SSE `event:` line. */
export const eventTypePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

const eventTypeRule = 'must have 1 to 64 characters of A-Z a-z 0-9 . _ - and begin with a letter';

/** Max nesting depth of an event, whose object is the first level. */
export const maxEventDepth = 64;

/** Max length of the id of an event, in UTF-16 code units. */
export const maxIdLength = 128;

/** Max events of one JSON body, one append, and one page. */
export const maxBatchEvents = 1000;

/** An event as a worker sends it. The fields are those of WeKnora's `StreamEvent`. */
export const eventSchema = z.strictObject({
  type: z.string().regex(eventTypePattern, eventTypeRule),
  id: z.string().max(maxIdLength).optional(),
  content: z.string().optional(),
  done: z.boolean().optional(),
  timestamp: z.iso.datetime({ offset: true, error: 'must be an RFC 3339 date-time' }).optional(),
  // `z.record` would copy the object, key by key: 160 µs for an event with 500 of them.
  data: z
    .custom<Record<string, unknown>>(isObject, 'must be an object')
    .meta({ type: 'object' })
    .optional(),
});

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const eventFields: ReadonlySet<string> = new Set(Object.keys(eventSchema.shape));

export type EventInput = z.infer<typeof eventSchema>;

/** Whether an event got its id from the service, as its worker sent none. */
export function isGeneratedId(id: string): boolean {
  return id.startsWith('auto-');
}

/** How a stream ended. */
export type Ending = 'complete' | 'stopped' | 'failed';

/** How an event of this type ends its stream; null when the stream goes on. */
export function endingOf(type: string, done: boolean): Ending | null {
  if (type === 'complete') return 'complete';
  if (type === 'stop') return 'stopped';
  return type === 'error' && done ? 'failed' : null;
}

/** Whether this event may follow the end of its stream. A title may, as generating one takes a while. */
export function mayFollowEnd({ type }: { readonly type: string | null }): boolean {
  return type === 'session_title';
}

/** A stored event that has not been decoded. */
export interface StoredBytes {
  /** The JSON text, UTF-8. */
  readonly bytes: Buffer;
}

/**
 * One event as stored: its immutable JSON text, and the fields that the service needs. Any number of
 * readers may share a record, so none may write to `bytes`.
 */
export interface StoredEvent extends StoredBytes {
  /** Null when the element is not UTF-8 JSON of an object with a string `type`, or nested too deep. */
  readonly type: string | null;
  /** How this event ends its stream; null when it does not. */
  readonly ending: Ending | null;
}

/** Stored text up to this size is parsed without a scan, at 100 ns a byte at worst, unless it may be
 * nested too deep. */
const smallBytes = 16 * 1024;

/** Elements from this size on are decoded in slices. */
const largeBytes = 256 * 1024;

/** Size of the part of an element that is scanned in one step, in bytes. */
const stepBytes = 64 * 1024;

/** Decodes an element that another program may have written: any bytes become an event. */
export function decodeStoredEvent(bytes: Buffer): StoredEvent {
  return toStoredEvent(bytes, isUtf8(bytes) ? parseStored(bytes) : null);
}

/** `decodeStoredEvent`, in slices for an element of many megabytes. */
export function decodeInTurns(bytes: Buffer): StoredEvent | Promise<StoredEvent> {
  return bytes.length < largeBytes ? decodeStoredEvent(bytes) : decodeInSlices(bytes);
}

async function decodeInSlices(bytes: Buffer): Promise<StoredEvent> {
  return toStoredEvent(bytes, isUtf8(bytes) ? await runInSlices(parseInSteps(bytes)) : null);
}

function toStoredEvent(bytes: Buffer, value: unknown): StoredEvent {
  const malformed: StoredEvent = { bytes, type: null, ending: null };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return malformed;
  const { type, done } = value as { type?: unknown; done?: unknown };
  if (typeof type !== 'string') return malformed;
  return { bytes, type, ending: endingOf(type, done === true) };
}

/** Parses stored text; null when it is not JSON, or nested too deep for an event. */
function parseStored(bytes: Buffer): unknown {
  if (bytes.length <= smallBytes) {
    const json = bytes.toString('utf8');
    if (hasFewBrackets(json, maxEventDepth)) return parseOrNull(json);
  }
  return runAtOnce(parseInSteps(bytes));
}

function* parseInSteps(bytes: Buffer): Generator<void, unknown> {
  const limits = { maxDepth: maxEventDepth, maxElements: 1, allowsProtoKeys: true };
  const { elements, fault, isArray } = yield* scanInSteps(bytes, limits, stepBytes);
  const [element] = elements;
  if (fault !== null || isArray || element === undefined) return null;
  return readFields(bytes.subarray(element.start, element.end), eventFields);
}

/** The value of the text; null when it is not JSON. */
export function parseOrNull(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
