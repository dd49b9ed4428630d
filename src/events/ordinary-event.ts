import { type EventInput, eventTypePattern, maxIdLength } from './stored-event.js';

/** UTC, and a day that every month has: all such times are RFC 3339. */
const ordinaryTime =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z$/;

/**
 * Whether a parsed value is an event beyond doubt, as nearly all that workers send are. It costs a
 * fraction of what `eventSchema` does, and is never more generous: what is no ordinary event is for
 * the schema to decide.
 */
export function isOrdinaryEvent(value: unknown): value is EventInput {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const event = value as Record<string, unknown>;
  for (const name in event) if (!isOrdinaryField(name, event[name])) return false;
  return event.type !== undefined;
}

function isOrdinaryField(name: string, value: unknown): boolean {
  switch (name) {
    case 'type':
      return typeof value === 'string' && eventTypePattern.test(value);
    case 'id':
      return typeof value === 'string' && value.length <= maxIdLength;
    case 'content':
      return typeof value === 'string';
    case 'done':
      return typeof value === 'boolean';
    case 'timestamp':
      return typeof value === 'string' && ordinaryTime.test(value);
    case 'data':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return false;
  }
}
