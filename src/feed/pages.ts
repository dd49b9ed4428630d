import { eventTypePattern, type StoredEvent } from '../events/event.js';
import { formatPosition, type Position, tagAfter, tagAt } from '../events/position.js';
import { type Chunk, encodeFrames, type Frame } from '../sse/frame.js';
import type { EventPage } from '../store/stream-manager.js';

/** A page of a stream's events, encoded once as the bytes that every subscriber gets. */
export class EncodedPage {
  /** The position after the page. */
  readonly next: Position;
  /** Size of the events as stored. */
  readonly storedBytes: number;
  readonly #tags: readonly number[];
  #plain: Chunk | null = null;
  #named: Chunk | null = null;

  /** @param tag tag of the position where the page begins; null past the end of the stream */
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

  /** The empty page after this one, which a client that has everything reads. */
  get end(): EncodedPage {
    if (this.isEmpty) return this;
    return new EncodedPage(this.next.offset, this.next.tag, [], this.atEnd);
  }

  get isEmpty(): boolean {
    return this.events.length === 0;
  }

  /**
   * @param named whether frames have the type of their event as their name
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
   * @param event an event of the page, or the folded one in its place
   * @param index index of the event in the page
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

/** The frame of an element that is no event: it is counted, so that offsets are those of the list. */
function malformedFrame(id: string, offset: number, bytes: number): Frame {
  return { id, event: 'malformed', data: Buffer.from(JSON.stringify({ offset, bytes })) };
}

/** Event names that have another meaning for an EventSource or this service. */
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

/** Max bytes of cached pages of one stream, for subscribers that need them soon. */
const maxStreamBytes = 8 * 1024 * 1024;

/** Max bytes of cached pages of all streams of a process; each may keep one page beyond that. */
const maxBytes = 64 * 1024 * 1024;

/** Number of short pages that are worth a read of one long page instead. */
const manyPages = 8;

/** The bytes in the caches of all streams. */
export interface PageBudget {
  bytes: number;
}

interface CachedPage {
  readonly page: EncodedPage;
  isNeeded: boolean;
}

/** The pages of one stream that were read last, by their first offset. */
export class PageCache {
  /** Null while there are no pages, as for most streams at most times. */
  #pages: Map<number, CachedPage> | null = null;
  #bytes = 0;

  constructor(readonly budget: PageBudget) {}

  get(offset: number): EncodedPage | undefined {
    const cached = this.#pages?.get(offset);
    if (cached !== undefined) cached.isNeeded = true;
    return cached?.page;
  }

  /** Whether many short pages follow, which one read would return as a long one. */
  isInPieces(first: EncodedPage): boolean {
    let page: EncodedPage | undefined = first;
    for (let count = 1; count < manyPages && page?.atEnd; count += 1) {
      page = this.#pages?.get(page.next.offset)?.page;
    }
    return page?.atEnd === true;
  }

  add(page: EncodedPage): void {
    this.#pages ??= new Map();
    this.#delete(page.offset);
    this.#pages.set(page.offset, { page, isNeeded: true });
    this.#count(bytesOf(page));
    for (const oldest of this.#pages.keys()) {
      if (!this.#isTooLarge() || this.#pages.size === 1) return;
      this.#delete(oldest);
    }
  }

  /** Drops pages that were neither read nor needed since the last call. */
  dropUnneeded(): void {
    if (this.#pages === null) return;
    for (const [offset, cached] of this.#pages) {
      if (!cached.isNeeded) this.#delete(offset);
      cached.isNeeded = false;
    }
    if (this.#pages.size === 0) this.#pages = null;
  }

  clear(): void {
    if (this.#pages === null) return;
    this.#pages = null;
    this.#count(-this.#bytes);
  }

  #isTooLarge(): boolean {
    return this.#bytes > maxStreamBytes || this.budget.bytes > maxBytes;
  }

  #delete(offset: number): void {
    const cached = this.#pages?.get(offset);
    if (cached === undefined) return;
    this.#pages?.delete(offset);
    this.#count(-bytesOf(cached.page));
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.budget.bytes += bytes;
  }
}

/** Size of a page with its frames, which are encoded on first use. */
function bytesOf(page: EncodedPage): number {
  return 2 * page.storedBytes;
}
