import { fits, type Position } from '../events/position.js';
import { type Linked, LinkedList } from '../linked-list.js';
import type { EncodedPage } from './encoded-page.js';
import type { Turn } from './turns.js';

/** Who waits at the end of a stream. */
export interface Waiter extends Linked<Waiter> {
  readonly position: Position;
  /** The list's own: its place in the order in which waiters came. */
  place: number;
  /**
   * Called when there may be more at the position, the position is no longer there, or the stream
   * is over. Must not throw: others wait behind.
   */
  pump(): void;
}

/** All who wait at the end of one stream. */
export class ParkedSubscribers {
  readonly #all = new LinkedList<Waiter>();
  #lastPlace = 0;

  /** The place of the one who came last. Whoever comes later is behind it. */
  get lastPlace(): number {
    return this.#lastPlace;
  }

  add(waiter: Waiter): void {
    if (this.#all.has(waiter)) return;
    this.#lastPlace += 1;
    waiter.place = this.#lastPlace;
    this.#all.push(waiter);
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

  /**
   * Lets those go on who wait where the page begins, unless they know that there is nothing. Does
   * what one turn of the event loop has room for; between the turns, waiters may come and leave.
   *
   * @param upTo the last place that is let go: whoever reaches the end waits again, behind it
   * @param isOver whether the page shows that the stream is over: then nobody goes on waiting there
   * @returns whether it has to be called again
   */
  release(page: EncodedPage, upTo: number, isOver: boolean, turn: Pick<Turn, 'isOver'>): boolean {
    for (
      let { first } = this.#all;
      first !== null && first.place <= upTo;
      first = this.#all.first
    ) {
      this.#all.remove(first);
      if (mayGoOn(first, page, isOver)) first.pump();
      else this.add(first);
      if (turn.isOver()) return true;
    }
    return false;
  }

  #manyOffsets(): Set<number> {
    const offsets = new Set<number>();
    for (let waiter = this.#all.first; waiter !== null; waiter = waiter.next) {
      offsets.add(waiter.position.offset);
    }
    return offsets;
  }
}

function mayGoOn({ position }: Waiter, page: EncodedPage, isOver: boolean): boolean {
  if (position.offset !== page.offset) return false;
  const hasAll = page.isEmpty && position.tag !== null && fits(position, page.tag);
  return isOver || !hasAll;
}
