import { fits, type Position } from '../streams/position.js';
import type { EncodedPage } from './encoded-page.js';

/** Who waits at the end of a stream. */
export interface Waiter {
  readonly position: Position;
  /** Called when there may be more at the position, or the position is no longer there. */
  pump(): void;
  /** Called when the stream has ended and its feeds have lingered. */
  finish(end: 'ended'): void;
}

/** All who wait at the end of one stream. */
export class Waiters {
  readonly #all = new Set<Waiter>();

  add(waiter: Waiter): void {
    this.#all.add(waiter);
  }

  delete(waiter: Waiter): void {
    this.#all.delete(waiter);
  }

  clear(): void {
    this.#all.clear();
  }

  /** The offsets at which somebody waits: nearly always the one at the end. */
  offsets(): Iterable<number> {
    const offsets = new Set<number>();
    for (const { position } of this.#all) offsets.add(position.offset);
    return offsets;
  }

  /** Lets those go on who wait where the page begins, unless they know that there is nothing. */
  release(page: EncodedPage): void {
    // A copy, since whoever reaches the end waits again.
    for (const waiter of [...this.#all]) {
      const { position } = waiter;
      if (position.offset !== page.offset) continue;
      const hasAll = page.isEmpty && position.tag !== null && fits(position, page.tag);
      if (hasAll) continue;
      this.#all.delete(waiter);
      waiter.pump();
    }
  }

  finish(end: 'ended'): void {
    for (const waiter of this.#all) waiter.finish(end);
  }
}
