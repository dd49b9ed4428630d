import { Continuity, leaseCheckMs, overtakenMs } from '../lease.js';
import type { MemoryStream } from './memory-stream.js';

/** Checks for expired leases, with one timer for all leased streams. */
export class LeaseSweep {
  readonly #leased = new Set<MemoryStream>();
  readonly #continuity = new Continuity();
  #timer: NodeJS.Timeout | null = null;

  constructor(readonly onExpired: (stream: MemoryStream) => void) {}

  add(stream: MemoryStream): void {
    this.#leased.add(stream);
    if (this.#timer !== null) return;
    this.#continuity.note(Date.now());
    this.#timer = setInterval(() => this.#sweep(Date.now()), leaseCheckMs);
    this.#timer.unref();
  }

  remove(stream: MemoryStream): void {
    if (this.#leased.delete(stream) && this.#leased.size === 0) this.clear();
  }

  clear(): void {
    this.#leased.clear();
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #sweep(now: number): void {
    this.#continuity.note(now);
    const expired: MemoryStream[] = [];
    for (const stream of this.#leased) {
      if (!stream.isLeased) this.remove(stream);
      else if (stream.hasExpiredLease(now, this.#continuity.since)) expired.push(stream);
    }
    if (expired.length > 0) setTimeout(() => this.#expire(expired, now), overtakenMs).unref();
  }

  #expire(streams: readonly MemoryStream[], sweptAt: number): void {
    for (const stream of streams) {
      const isExpired = stream.hasExpiredLease(sweptAt, this.#continuity.since);
      if (isExpired && this.#leased.has(stream)) this.onExpired(stream);
    }
  }
}
