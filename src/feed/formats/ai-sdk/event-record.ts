import { isGeneratedId, maxEventDepth } from '../../../events/event.js';
import { measureJson } from '../../../events/json-scan.js';
import type { StoredEvent } from '../../../events/stored-event.js';

/** An event as the mapping reads it, whoever wrote it. */
export interface EventRecord {
  readonly type: string;
  /** Null when the worker gave it none. */
  readonly id: string | null;
  readonly content: string;
  readonly done: boolean;
  readonly data: Fields;
  /** All of it, as it was sent. */
  readonly event: Fields;
}

export type Fields = Readonly<Record<string, unknown>>;

/**
 * The most values that JSON is parsed with. To parse and write those of one event, or to look at
 * them one by one, holds up the process for some milliseconds; one event has room for 500,000.
 */
const maxValues = 32_768;

/** JSON that has no room for more values than that need not be looked at. */
const smallBytes = 2 * maxValues;

/** Whether a feed may parse this JSON, and write it again, at a cost that nobody notices. */
export function isMappable(json: Buffer): boolean {
  const { depth, values } = measureJson(json);
  return depth <= maxEventDepth && values <= maxValues;
}

/** What the service puts into an event beyond what was sent, and a little more. */
const addedBytes = 1024;

/**
 * Null for an element that is no event, or one that costs too much.
 *
 * @param maxEventBytes what is larger was pushed by another program, and each feed would parse it
 */
export function readEvent({ bytes, type }: StoredEvent, maxEventBytes: number): EventRecord | null {
  if (type === null || bytes.length > maxEventBytes + addedBytes) return null;
  if (bytes.length > smallBytes && !isMappable(bytes)) return null;
  const event = JSON.parse(bytes.toString('utf8')) as Fields;
  return {
    type,
    id: ownId(event.id),
    content: typeof event.content === 'string' ? event.content : '',
    done: event.done === true,
    data: isFields(event.data) ? event.data : {},
    event,
  };
}

function ownId(id: unknown): string | null {
  return typeof id !== 'string' || id === '' || isGeneratedId(id) ? null : id;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first of these fields that has a value. */
export function firstOf(fields: Fields, ...names: readonly string[]): unknown {
  const name = names.find((one) => Object.hasOwn(fields, one) && fields[one] != null);
  return name === undefined ? undefined : fields[name];
}

/** The same, when it is a text or a number. */
export function textOf(fields: Fields, ...names: readonly string[]): string | undefined {
  const value = firstOf(fields, ...names);
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
