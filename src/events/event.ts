import { z } from 'zod';

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
