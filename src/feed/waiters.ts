import { type Linked, LinkedList } from '../linked-list.js';
import { fits, type Position } from '../streams/position.js';
import type { EncodedPage } from './encoded-page.js';

/** Who waits at the end of a stream. */
export interface Waiter extends Linked<Waiter> {
  readonly position: Position;
  /** Called when there may be more at the position, or the position is no longer there. */
  pump(): void;
  /** Called when the stream has ended and its feeds have lingered. */
  finish(end: 'ended'): void;
}

/** All who wait at the end of one stream. */
export class Waiters {
  readonly #all = new LinkedList<Waiter>();

  add(waiter: Waiter): void {
    if (!this.#all.has(waiter)) this.#all.push(waiter);
  }

  delete(waiter: Waiter): void {
    this.#all.remove(waiter);
  }

  clear(): void {
    this.#all.clear();
  }

  /** The offsets at which somebody waits: nearly always the one at the end. */
  offsets(): Iterable<number> {
    const { first } = this.#all;
    if (first === null) return [];
    const { offset } = first.position;
    for (let { next } = first; next !== null; next = next.next) {
      if (next.position.offset !== offset) return this.#manyOffsets();
    }
    return [offset];
  }

  /** Lets those go on who wait where the page begins, unless they know that there is nothing. */
  release(page: EncodedPage): void {
    // So many and no more, since whoever reaches the end waits again, behind them.
    for (let count = this.#all.size; count > 0; count -= 1) {
      const waiter = this.#all.shift();
      if (waiter === null) return;
      if (mayGoOn(waiter, page)) waiter.pump();
      else this.#all.push(waiter);
    }
  }

  finish(end: 'ended'): void {
    for (let count = this.#all.size; count > 0; count -= 1) this.#all.shift()?.finish(end);
  }

  #manyOffsets(): Set<number> {
    const offsets = new Set<number>();
    for (let waiter = this.#all.first; waiter !== null; waiter = waiter.next) {
      offsets.add(waiter.position.offset);
    }
    return offsets;
  }
}

function mayGoOn({ position }: Waiter, page: EncodedPage): boolean {
  if (position.offset !== page.offset) return false;
  const hasAll = page.isEmpty && position.tag !== null && fits(position, page.tag);
  return !hasAll;
}
