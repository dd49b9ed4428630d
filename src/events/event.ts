import { z } from 'zod';

/** The type of an event: an open set, safe in an SSE `event:` line. */
export const eventTypePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

/** The deepest nesting of one event: the event object itself is the first level. */
export const maxEventDepth = 64;

/** The longest id of an event, in UTF-16 code units. */
export const maxIdLength = 128;

/** The most events that one body brings, one append stores, and one page returns. */
export const maxBatchEvents = 1000;

/** An event as a worker sends it. The fields are those of WeKnora's `StreamEvent`. */
export const eventSchema = z.strictObject({
  type: z.string().regex(eventTypePattern, `must match ${eventTypePattern.source}`),
  id: z.string().max(maxIdLength).optional(),
  content: z.string().optional(),
  done: z.boolean().optional(),
  timestamp: z.iso.datetime({ offset: true, error: 'must be an RFC 3339 date-time' }).optional(),
  // A record would be copied, key by key: 160 µs of an event with 500 of them.
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

/** Whether the service generated the id of an event, as its worker gave it none. */
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

/** Whether this event may follow the end of its stream: a title may, which takes a while to find. */
export function mayFollowEnd({ type }: { readonly type: string | null }): boolean {
  return type === 'session_title';
}
