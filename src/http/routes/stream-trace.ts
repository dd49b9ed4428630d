import { matches, type Position, tagAfter, tagAt } from '../../events/position.js';
import type { StoredEvent } from '../../events/stored-event.js';
import type { StreamId } from '../../store/stream-id.js';
import type { Appended, StreamManager } from '../../store/stream-manager.js';

/** A stream that was not appended to for so long may have gone meanwhile. */
const staleMs = 1000;

/**
 * Where the appends of one request have got to, to tell whether the next goes into the same stream:
 * within a request, a stream may expire, be deleted or be lost, and begin anew under its name. Others
 * may append in between, so that offsets leave gaps.
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
    // When all was there before, nobody knows what is at the end.
    const tag = count === 0 ? null : tagAfter(events.at(-1) as StoredEvent);
    this.#place = { offset: nextOffset, tag };
    this.#notedAt = performance.now();
  }

  /** Whether an append went into the stream of those before. It costs a read where that is in doubt. */
  async leadsTo({ offset }: Appended): Promise<boolean> {
    if (offset < this.#place.offset) return false;
    return (offset === this.#place.offset && !this.isStale) || this.leadsOn();
  }

  /** Whether what was appended is still there. Of a store that does not answer, nothing is known. */
  async leadsOn(): Promise<boolean> {
    const { offset } = this.#place;
    const page = await this.streams.getEvents(this.stream, offset, 1).catch(() => null);
    return page === null || matches(this.#place, tagAt(offset, page.before));
  }
}
