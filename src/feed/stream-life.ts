import { mayFollowEnd } from '../events/event.js';
import { type Position, startOfStream, tagAfter } from '../events/position.js';
import type { StoredEvent } from '../events/stored-event.js';
import type { StreamInfo } from '../store/stream-manager.js';

/**
 * Whether a followed stream exists, has ended, and until when its feeds linger after the end.
 * Times are milliseconds of `performance.now()`.
 */
export class StreamLife {
  /** The end of the stream when this was learned; the start when there was no stream. */
  readonly end: Position;
  /** Whether there was no stream when this was learned. */
  readonly isAbsent: boolean;
  /** When the stream began; tells it from another one of the same name. */
  readonly createdAt: number | null;
  /** Every event from this offset on came after the terminal one. */
  #endedOffset = Number.POSITIVE_INFINITY;
  #lingerUntil = Number.POSITIVE_INFINITY;

  constructor(
    info: StreamInfo | null,
    readonly lingerMs: number,
    now: number,
  ) {
    this.isAbsent = info === null;
    this.createdAt = info?.createdAt ?? null;
    this.end = info === null ? startOfStream : endOf(info);
    if (info === null || info.endedForMs === null) return;
    this.#endedOffset = info.endedOffset ?? info.nextOffset;
    const titleCame = mayFollowEnd(info.lastEvent);
    this.#lingerUntil = titleCame ? now : now + lingerMs - info.endedForMs;
  }

  get hasEnded(): boolean {
    return this.#endedOffset !== Number.POSITIVE_INFINITY;
  }

  /** Readers from here on are owed nothing but late titles. Infinity while the stream is open. */
  get endedOffset(): number {
    return this.#endedOffset;
  }

  /** Infinity while the stream is open. */
  get lingerUntil(): number {
    return this.#lingerUntil;
  }

  isOver(now: number): boolean {
    return now >= this.#lingerUntil;
  }

  /** Learns from an event of the stream that was just read. */
  note(event: StoredEvent, index: number, now: number): void {
    if (event.ending !== null && index < this.#endedOffset) {
      if (!this.hasEnded) this.#lingerUntil = now + this.lingerMs;
      this.#endedOffset = index + 1;
    }
    const isLateTitle = mayFollowEnd(event) && index >= this.#endedOffset;
    if (isLateTitle) this.#lingerUntil = Math.min(this.#lingerUntil, now);
  }
}

function endOf({ nextOffset, lastEvent }: StreamInfo): Position {
  return { offset: nextOffset, tag: tagAfter(lastEvent) };
}
