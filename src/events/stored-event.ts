import { isUtf8 } from 'node:buffer';
import { type Ending, endingOf, eventFields, maxEventDepth } from './event.js';
import { readFields } from './json-members.js';
import { hasFewBrackets, scanInSteps } from './json-scan.js';
import { runAtOnce, runInSlices } from './slices.js';

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
  const { elements, fault, isArray } = yield* scanInSteps(bytes, limits, stepBytes);
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
