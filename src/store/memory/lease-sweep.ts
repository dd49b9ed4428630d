import { Continuity, leaseCheckMs, overtakenMs } from '../lease.js';
import type { MemoryStream } from './memory-stream.js';

/** Looks, with one timer for all leased streams, for those whose lease has run out. */
export class LeaseSweep {
  readonly #leased = new Set<MemoryStream>();
  readonly #continuity = new Continuity();
  #timer: NodeJS.Timeout | null = null;

  constructor(readonly onLost: (stream: MemoryStream) => void) {}

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
    const lost: MemoryStream[] = [];
    for (const stream of this.#leased) {
      if (!stream.isLeased) this.remove(stream);
      else if (stream.isLost(now, this.#continuity.since)) lost.push(stream);
    }
    if (lost.length > 0) setTimeout(() => this.#end(lost, now), overtakenMs).unref();
  }

  #end(lost: readonly MemoryStream[], sweptAt: number): void {
    for (const stream of lost) {
      const isLost = stream.isLost(sweptAt, this.#continuity.since);
      if (isLost && this.#leased.has(stream)) this.onLost(stream);
    }
  }
}
