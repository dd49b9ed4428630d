import { eventTypePattern } from '../events/event.js';
import { formatPosition, type Position, tagAfter, tagAt } from '../events/position.js';
import type { StoredEvent } from '../events/stored-event.js';
import type { Chunk } from '../sse/chunk.js';
import { encodeFrames, type Frame } from '../sse/frame.js';
import type { EventPage } from '../store/stream-manager.js';

/** A run of a stream's events as the bytes that every subscriber gets. */
export class EncodedPage {
  /** Where a client that has all of the page goes on. */
  readonly next: Position;
  /** Size of the events as stored. */
  readonly storedBytes: number;
  readonly #tags: readonly number[];
  #plain: Chunk | null = null;
  #named: Chunk | null = null;

  /** @param tag of the position where it begins; null when that is past the end of the stream */
  constructor(
    readonly offset: number,
    readonly tag: number | null,
    readonly events: readonly StoredEvent[],
    readonly atEnd: boolean,
  ) {
    this.storedBytes = events.reduce((bytes, event) => bytes + event.bytes.length, 0);
    this.#tags = events.map(tagAfter);
    this.next = { offset: offset + events.length, tag: this.#tags.at(-1) ?? tag };
  }

  static of({ events, nextOffset, before, atEnd }: EventPage): EncodedPage {
    const offset = nextOffset - events.length;
    return new EncodedPage(offset, tagAt(offset, before), events, atEnd);
  }

  /** The position after the page, as an empty page: what a reader that has everything finds there. */
  get end(): EncodedPage {
    if (this.isEmpty) return this;
    return new EncodedPage(this.next.offset, this.next.tag, [], this.atEnd);
  }

  get isEmpty(): boolean {
    return this.events.length === 0;
  }

  /**
   * @param named whether frames carry the event's type as their name
   * @returns null for an empty page
   */
  frames(named: boolean): Chunk | null {
    if (named) {
      this.#named ??= this.#encode(true);
      return this.#named;
    }
    this.#plain ??= this.#encode(false);
    return this.#plain;
  }

  /**
   * @param event of the page, or what stands for it and those before it
   * @param index of the event in the page
   */
  frameOf({ type, bytes }: StoredEvent, index: number, named: boolean): Frame {
    const offset = this.offset + index;
    const id = formatPosition(offset + 1, this.#tags[index] as number);
    if (type === null) return malformedFrame(id, offset, bytes.length);
    return { id, event: named ? frameName(type) : undefined, data: bytes };
  }

  #encode(named: boolean): Chunk | null {
    const frames = this.events.map((event, index) => this.frameOf(event, index, named));
    return encodeFrames(frames);
  }
}

/** An element that is no event keeps its place in the count, so that offsets are those of the list. */
function malformedFrame(id: string, offset: number, bytes: number): Frame {
  return { id, event: 'malformed', data: Buffer.from(JSON.stringify({ offset, bytes })) };
}

/** Names that mean something else to an EventSource, or to this service. */
const reservedNames = new Set([
  'reset',
  'malformed',
  'heartbeat',
  'up-to-date',
  'not-found',
  'discard',
  'error',
  'open',
  'message',
]);

function frameName(type: string): string | undefined {
  return reservedNames.has(type) || !eventTypePattern.test(type) ? undefined : type;
}
