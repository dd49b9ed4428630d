import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { type Ending, endingOf } from '../store/lifecycle.js';
import { readFields } from './event-fields.js';
import { hasFewBrackets, JsonScanner } from './json-scan.js';
import { runAtOnce, runInSlices } from './slices.js';

/** The type of an event: an open set, safe in an SSE `event:` line. */
export const eventTypePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

/** The deepest nesting of one event: the event object itself is the first level. */
export const maxEventDepth = 64;

/** The longest id of an event, in UTF-16 code units. */
export const maxIdLength = 128;

/** Whether the service made the id of an event, as its worker gave it none. */
export function isMintedId(id: string): boolean {
  return id.startsWith('auto-');
}

/** An event as a worker sends it. The fields are those of WeKnora's `StreamEvent`. */
export const eventSchema = z.strictObject({
  type: z.string().regex(eventTypePattern, `must match ${eventTypePattern.source}`),
  id: z.string().max(maxIdLength).optional(),
  content: z.string().optional(),
  done: z.boolean().optional(),
  timestamp: z.iso.datetime({ offset: true, error: 'must be an RFC 3339 date-time' }).optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});

export const eventFields: ReadonlySet<string> = new Set(Object.keys(eventSchema.shape));

export type EventInput = z.infer<typeof eventSchema>;

/** An event of which nothing is known but that it is there. */
export interface StoredBytes {
  /** The JSON text, UTF-8. */
  readonly bytes: Buffer;
}

/**
 * One event as it is stored: immutable JSON text and what the service needs to know of it. The
 * same record may be handed to any number of readers, who must not write to `bytes`.
 */
export interface StoredEvent extends StoredBytes {
  /** Null when the element is not UTF-8 JSON of an object with a string `type`, or nested too deep. */
  readonly type: string | null;
  /** How this event ends its stream; null when it does not. */
  readonly ending: Ending | null;
}

/** Stored text up to this size is parsed, at 100 ns a byte at worst, unless it may be nested deep. */
const smallBytes = 16 * 1024;

/** From this size on, an element is read in slices. */
const largeBytes = 256 * 1024;

/** How much of an element is scanned in one step. */
const stepBytes = 64 * 1024;

/** Reads what another program may have written: anything at all becomes an event. */
export function decodeStoredEvent(bytes: Buffer): StoredEvent {
  return toStoredEvent(bytes, isUtf8(bytes) ? parseStored(bytes) : null);
}

/** The same, but other work goes on while one of many megabytes is read. */
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

/** Null when it is not JSON, or nested deeper than an event may be. */
function parseStored(bytes: Buffer): unknown {
  if (bytes.length <= smallBytes) {
    const json = bytes.toString('utf8');
    if (hasFewBrackets(json, maxEventDepth)) return parseOrNull(json);
  }
  return runAtOnce(parseInSteps(bytes));
}

function* parseInSteps(bytes: Buffer): Generator<void, unknown> {
  const limits = { maxDepth: maxEventDepth, maxElements: 1, allowsProtoKeys: true };
  const scanner = new JsonScanner(bytes, limits);
  while (!scanner.run(stepBytes)) yield;
  const { elements, fault, isArray } = scanner;
  const [element] = elements;
  if (fault !== null || isArray || element === undefined) return null;
  return readFields(bytes.subarray(element.start, element.end), eventFields);
}

function parseOrNull(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
