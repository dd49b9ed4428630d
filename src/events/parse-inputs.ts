import { createHash } from 'node:crypto';
import { runInSlices } from '../time-slices.js';
import type { EventInput, StoredEvent } from './event.js';
import {
  encodeEvent,
  invalidEvent,
  type ParsedEvent,
  type ParseLimits,
  parseRecordsInSteps,
} from './parse-events.js';

/** Max inputs of one request. */
export const maxBatchInputs = 100;

/** An input to store: an event for the worker of a stream. */
export interface StoredInput extends StoredEvent {
  readonly id: string;
  /** SHA-1 of the text as it was sent: a repetition has the same one, another input with the id has not. */
  readonly checksum: string;
}

/**
 * Turns a request body, one JSON event or an array of 1 to `maxBatchInputs`, each with an `id` of its own,
 * into the inputs to store. Their text stays as `parseEvents` says, and their author is added as `by`.
 *
 * @param author null when it is unknown
 * @throws ServiceError `invalid_json`, `invalid_event`, `event_too_large`
 */
export async function parseInputs(
  body: Buffer,
  author: string | null,
  limits: ParseLimits,
): Promise<StoredInput[]> {
  const extra = author === null ? '' : `,"by":${toAscii(JSON.stringify(author))}`;
  const ids = new Set<string>();
  const encode = (parsed: ParsedEvent, name: string): StoredInput => {
    const checksum = createHash('sha1').update(parsed.text).digest('hex'); // before the text is changed
    const { bytes, type } = encodeEvent(parsed, name, extra);
    const { id } = parsed.value as EventInput;
    if (id === undefined || id === '') throw invalidEvent(`${name}: \`id\` is required`);
    if (Buffer.from(id).toString() !== id)
      throw invalidEvent(`${name}: \`id\` has half of a surrogate pair`);
    if (ids.has(id)) throw invalidEvent(`${name} has the \`id\` of another one in the array`);
    ids.add(id);
    return { id, checksum, bytes, type, ending: null };
  };
  return runInSlices(
    parseRecordsInSteps(body, limits, { noun: 'input', maxCount: maxBatchInputs, encode }),
  );
}

/** JSON with all else than ASCII escaped. */
function toAscii(json: string): string {
  return json.replaceAll(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
