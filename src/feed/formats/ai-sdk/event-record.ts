import { isGeneratedId, maxEventDepth, type StoredEvent } from '../../../events/event.js';
import { measureJson } from '../../../events/json-scan.js';

/** An event as the mapping reads it, from a worker or another program. */
export interface EventRecord {
  readonly type: string;
  /** Null when the worker sent none. */
  readonly id: string | null;
  readonly content: string;
  readonly done: boolean;
  readonly data: Fields;
  /** The whole event, as sent. */
  readonly event: Fields;
}

export type Fields = Readonly<Record<string, unknown>>;

/**
 * Max number of values in JSON that is parsed here. To parse and write that many, or check them one by
 * one, blocks the process for some milliseconds; one event has room for 500,000.
 */
const maxValues = 32_768;

/** JSON up to this size has no room for more values, and needs no check. */
const smallBytes = 2 * maxValues;

/** Whether a feed can parse this JSON, and write it again, without a noticeable pause. */
export function isMappable(json: Buffer): boolean {
  const { depth, values } = measureJson(json);
  return depth <= maxEventDepth && values <= maxValues;
}

/** Size of the fields that the service adds to an event, with some reserve. */
const addedBytes = 1024;

/**
 * Parses a stored event; null for an element that is no event, or is too costly to parse.
 *
 * @param maxEventBytes a larger element was pushed by another program, and each feed would parse it
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

/** The value of the first of these fields that has one. */
export function firstOf(fields: Fields, ...names: readonly string[]): unknown {
  const name = names.find((one) => Object.hasOwn(fields, one) && fields[one] != null);
  return name === undefined ? undefined : fields[name];
}

/** The value of the first of these fields that has one, as text, if it is a string or a number. */
export function textOf(fields: Fields, ...names: readonly string[]): string | undefined {
  const value = firstOf(fields, ...names);
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
