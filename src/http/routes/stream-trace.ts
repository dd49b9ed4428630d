import type { StoredEvent } from '../../events/event.js';
import { matches, type Position, tagAfter, tagAt } from '../../events/position.js';
import type { Appended, StreamId, StreamManager } from '../../store/stream-manager.js';

/** After this time without an append, the stream may have been replaced meanwhile. */
const staleMs = 1000;

/**
 * Tracks the appends of one request, to detect whether the next one goes into the same stream: during a
 * request, a stream may expire, be deleted or be lost, and be created again under its name. Others may
 * append in between, so offsets may have gaps.
 */
export class StreamTrace {
  #place: Position = { offset: 0, tag: null };
  #notedAt = 0;

  constructor(
    readonly streams: Pick<StreamManager, 'getEvents'>,
    readonly stream: StreamId,
  ) {}

  get isStale(): boolean {
    return performance.now() - this.#notedAt > staleMs;
  }

  note({ nextOffset, count }: Appended, events: readonly StoredEvent[]): void {
    // If all events had been stored before, the last event of the stream is unknown.
    const tag = count === 0 ? null : tagAfter(events.at(-1) as StoredEvent);
    this.#place = { offset: nextOffset, tag };
    this.#notedAt = performance.now();
  }

  /** Whether an append went into the same stream as the earlier ones. If in doubt, it costs a read. */
  async leadsTo({ offset }: Appended): Promise<boolean> {
    if (offset < this.#place.offset) return false;
    return (offset === this.#place.offset && !this.isStale) || this.leadsOn();
  }

  /** Whether the events appended so far are still stored, as far as the store responds. */
  async leadsOn(): Promise<boolean> {
    const { offset } = this.#place;
    const page = await this.streams.getEvents(this.stream, offset, 1).catch(() => null);
    return page === null || matches(this.#place, tagAt(offset, page.before));
  }
}
