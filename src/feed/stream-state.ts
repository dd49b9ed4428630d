import { mayFollowEnd, type StoredEvent } from '../events/event.js';
import { type Position, startOfStream, tagAfter } from '../events/position.js';
import type { StreamInfo } from '../store/stream-manager.js';
import type { EncodedPage } from './pages.js';

/** A time in the infinite future. */
const never = Number.POSITIVE_INFINITY;

/**
 * The status of a stream, updated by the events that were read since: whether it exists, has ended, and
 * until when its feeds linger after the end. Times are milliseconds of `performance.now()`.
 */
export class StreamSnapshot {
  /** The end of the stream at the time of the status; the start when there was no stream. */
  readonly end: Position;
  /** Whether there was no stream at the time of the status. */
  readonly isAbsent: boolean;
  /** When the stream was created, which distinguishes it from another one of the same name. */
  readonly createdAt: number | null;
  /** From this offset on, readers get nothing but late titles. Infinity while the stream is open. */
  endedOffset = Number.POSITIVE_INFINITY;
  /** Until when feeds linger; infinity while the stream is open. */
  lingerUntil = never;

  constructor(
    info: StreamInfo | null,
    readonly lingerMs: number,
    now: number,
  ) {
    this.isAbsent = info === null;
    this.createdAt = info?.createdAt ?? null;
    this.end = info === null ? startOfStream : endOf(info);
    if (info === null || info.endedForMs === null) return;
    this.endedOffset = info.endedOffset ?? info.nextOffset;
    const titleCame = info.lastEvent !== null && mayFollowEnd(info.lastEvent);
    this.lingerUntil = titleCame ? now : now + lingerMs - info.endedForMs;
  }

  get hasEnded(): boolean {
    return this.endedOffset !== Number.POSITIVE_INFINITY;
  }

  /** Whether feeds at the end of the stream end now. */
  isOver(now: number): boolean {
    return now >= this.lingerUntil;
  }

  /** Applies an event of the stream that was just read. */
  apply(event: StoredEvent, offset: number, now: number): void {
    if (event.ending !== null && offset < this.endedOffset) {
      if (!this.hasEnded) this.lingerUntil = now + this.lingerMs;
      this.endedOffset = offset + 1;
    }
    const isLateTitle = mayFollowEnd(event) && offset >= this.endedOffset;
    if (isLateTitle) this.lingerUntil = Math.min(this.lingerUntil, now);
  }
}

/** The current state of a followed stream, and the timer of the linger of its feeds. */
export class StreamState {
  /** Null until the first status, and after an invalidation. */
  #snapshot: StreamSnapshot | null = null;
  /** Counts the ends that pages have shown: a status requested before one may lack it. */
  endings = 0;
  /** The offset after the last terminal event or title that was read. */
  #lastEnding = 0;
  #linger: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param onOver called when the stream has ended and its feeds have lingered */
  constructor(
    readonly lingerMs: number,
    readonly onOver: () => void,
  ) {}

  get isKnown(): boolean {
    return this.#snapshot !== null;
  }

  get snapshot(): StreamSnapshot | null {
    return this.#snapshot;
  }

  /** Whether feeds at the end of the stream end now. */
  isOver(): boolean {
    return this.#snapshot?.isOver(performance.now()) ?? false;
  }

  /**
   * Whether a status lacks an end that was read while the request was running.
   *
   * @param endings value of `endings` when the status was requested
   */
  isOutdated(info: StreamInfo | null, endings: number): boolean {
    if (endings === this.endings) return false;
    return info === null || info.endedForMs === null || info.nextOffset < this.#lastEnding;
  }

  /** Whether a status is that of another stream of the same name, or of none. */
  isOfAnother(info: StreamInfo | null): boolean {
    const known = this.#snapshot?.createdAt ?? null;
    return known !== null && known !== (info?.createdAt ?? null);
  }

  /** Replaces the state by a status that was just read. */
  refresh(info: StreamInfo | null): StreamSnapshot {
    this.#snapshot = new StreamSnapshot(info, this.lingerMs, performance.now());
    this.#setLingerTimer();
    return this.#snapshot;
  }

  /**
   * Applies a page of the stream that was just read.
   *
   * @returns whether it is the first page that shows the end of the stream
   */
  apply({ events, offset }: EncodedPage): boolean {
    const snapshot = this.#snapshot;
    const lingerUntil = snapshot?.lingerUntil;
    const now = performance.now();
    let showsEnd = false;
    let next = offset;
    for (const event of events) {
      next += 1;
      if (event.ending === null && !mayFollowEnd(event)) continue;
      showsEnd = true;
      this.#lastEnding = next;
      snapshot?.apply(event, next - 1, now);
    }
    if (!showsEnd || (snapshot !== null && snapshot.lingerUntil === lingerUntil)) return false;
    this.endings += 1;
    this.#setLingerTimer();
    return lingerUntil === never;
  }

  /** Drops the state, when the stream is replaced by another one. */
  invalidate(): void {
    this.#snapshot = null;
    this.#setLingerTimer();
  }

  close(): void {
    this.#isClosed = true;
    this.#setLingerTimer();
  }

  #setLingerTimer(): void {
    clearTimeout(this.#linger);
    const until = this.#snapshot?.lingerUntil ?? never;
    if (this.#isClosed || until === never) return;
    // Events at the end are delivered first. Rounded up, since timers truncate fractions.
    const delayMs = Math.max(Math.ceil(until - performance.now()) + 1, 0);
    this.#linger = setTimeout(() => this.#endLinger(), delayMs);
  }

  #endLinger(): void {
    if (this.isOver()) this.onOver();
    else this.#setLingerTimer();
  }
}

function endOf({ nextOffset, lastEvent }: StreamInfo): Position {
  return lastEvent === null ? startOfStream : { offset: nextOffset, tag: tagAfter(lastEvent) };
}
