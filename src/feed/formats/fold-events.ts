import { isGeneratedId, mayFollowEnd, type StoredEvent } from '../../events/event.js';
import { findStringMember } from '../../events/json-members.js';

/** One event, or a run of chunks folded into one. */
export interface FoldedEvent {
  /** The event itself, byte for byte, when nothing was folded. */
  readonly event: StoredEvent;
  /** The index of the last event in the run. */
  readonly lastIndex: number;
}

/**
 * Folds each run of chunks into its last one, whose `content` becomes the text of all. A run consists
 * of adjacent chunks of one type and one id, or of generated ids; `done` and `data` end it. Terminal
 * events, titles, and elements that are no events stay as they are.
 *
 * @param maxBytes a run ends before the chunk that would take the folded event over this
 */
export function foldEvents(events: readonly StoredEvent[], maxBytes: number): FoldedEvent[] {
  const runs: Run[] = [];
  for (const event of events) {
    const chunk = readChunk(event);
    if (!runs.at(-1)?.takes(chunk, maxBytes)) runs.push(new Run(event, chunk));
  }
  let lastIndex = -1;
  return runs.map((run) => {
    lastIndex += run.count;
    return { event: run.fold(), lastIndex };
  });
}

/** An event that may be folded. */
interface Chunk {
  readonly event: StoredEvent;
  readonly id: string;
  readonly isLast: boolean;
  /** Where the text begins in the bytes, after its quote. */
  readonly textStart: number;
  readonly textEnd: number;
}

class Run {
  count = 1;
  #last: Chunk | null;
  /** The texts before the last one, as in the JSON of their events, with their escapes. */
  readonly #texts: Buffer[] = [];
  #textBytes = 0;

  constructor(
    readonly first: StoredEvent,
    chunk: Chunk | null,
  ) {
    this.#last = chunk;
  }

  /** Adds the chunk. Returns false, without adding it, when it belongs to another run. */
  takes(chunk: Chunk | null, maxBytes: number): boolean {
    const last = this.#last;
    if (last === null || chunk === null || last.isLast || !isSameSegment(last, chunk)) return false;
    const textBytes = this.#textBytes + last.textEnd - last.textStart;
    if (textBytes + chunk.event.bytes.length > maxBytes) return false;
    this.#texts.push(last.event.bytes.subarray(last.textStart, last.textEnd));
    this.#textBytes = textBytes;
    this.#last = chunk;
    this.count += 1;
    return true;
  }

  fold(): StoredEvent {
    if (this.#last === null || this.count === 1) return this.first;
    const { event, textStart } = this.#last;
    const head = event.bytes.subarray(0, textStart);
    const bytes = Buffer.concat([head, ...this.#texts, event.bytes.subarray(textStart)]);
    return { ...event, bytes };
  }
}

function isSameSegment(one: Chunk, next: Chunk): boolean {
  if (one.event.type !== next.event.type) return false;
  return one.id === next.id || (isGeneratedId(one.id) && isGeneratedId(next.id));
}

/** Max size of an event to fold: a larger one is no small chunk of a text, and may take long to parse. */
const maxChunkBytes = 64 * 1024;

/** Reads an event as a chunk; null for one that is never folded. */
function readChunk(event: StoredEvent): Chunk | null {
  if (event.bytes.length > maxChunkBytes) return null;
  if (event.type === null || event.ending !== null || mayFollowEnd(event)) return null;
  const fields = JSON.parse(event.bytes.toString('utf8')) as Record<string, unknown>;
  const text = hasFieldsOfEvent(fields) ? findStringMember(event.bytes, 'content') : null;
  if (text === null) return null;
  const { id, done, data } = fields as { id: string; done: boolean; data?: object };
  const isLast = done || data !== undefined;
  return { event, id, isLast, textStart: text.start + 1, textEnd: text.end - 1 };
}

/** Whether the fields are those that the service stores; another program may push others. */
function hasFieldsOfEvent(fields: Readonly<Record<string, unknown>>): boolean {
  const { type, id, content, done, timestamp, data, ...others } = fields;
  if (Object.keys(others).length > 0 || typeof done !== 'boolean') return false;
  if (data !== undefined && (typeof data !== 'object' || data === null || Array.isArray(data)))
    return false;
  return [type, id, content, timestamp].every((text) => typeof text === 'string');
}
