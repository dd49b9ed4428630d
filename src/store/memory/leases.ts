import { Continuity, leaseCheckMs, overtakenMs } from '../lease-rules.js';

/** A stream in memory that may have a lease. */
export interface Leasable {
  /** Whether the stream has a lease, and is open. */
  readonly isLeased: boolean;
  /** @param since since when heartbeats have been able to arrive without a break */
  hasExpiredLease(now: number, since: number): boolean;
}

/** Checks for expired leases in memory, with one timer for all leased streams. */
export class LeaseSweep<Stream extends Leasable> {
  readonly #leased = new Set<Stream>();
  readonly #continuity = new Continuity();
  #timer: NodeJS.Timeout | null = null;

  constructor(readonly onExpired: (stream: Stream) => void) {}

  add(stream: Stream): void {
    this.#leased.add(stream);
    if (this.#timer !== null) return;
    this.#continuity.note(Date.now());
    this.#timer = setInterval(() => this.#sweep(Date.now()), leaseCheckMs);
    this.#timer.unref();
  }

  remove(stream: Stream): void {
    if (this.#leased.delete(stream) && this.#leased.size === 0) this.clear();
  }

  clear(): void {
    this.#leased.clear();
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #sweep(now: number): void {
    this.#continuity.note(now);
    const expired: Stream[] = [];
    for (const stream of this.#leased) {
      if (!stream.isLeased) this.remove(stream);
      else if (stream.hasExpiredLease(now, this.#continuity.since)) expired.push(stream);
    }
    if (expired.length > 0) setTimeout(() => this.#expire(expired, now), overtakenMs).unref();
  }

  #expire(streams: readonly Stream[], sweptAt: number): void {
    for (const stream of streams) {
      const isExpired = stream.hasExpiredLease(sweptAt, this.#continuity.since);
      if (isExpired && this.#leased.has(stream)) this.onExpired(stream);
    }
  }
}
