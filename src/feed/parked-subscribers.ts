import { matches, type Position } from '../events/position.js';
import { type Linked, LinkedList } from '../linked-list.js';
import type { EncodedPage } from './encoded-page.js';
import type { Turn } from './turns.js';

/** A subscriber that has everything and waits at the end of a stream. */
export interface ParkedSubscriber extends Linked<ParkedSubscriber> {
  readonly position: Position;
  /** Set by the list alone: its number in the order in which subscribers were parked. */
  place: number;
  /**
   * Called when there may be more at the position, the position no longer exists, or the stream is
   * over. Must not throw: others are parked behind.
   */
  resume(): void;
}

/** All subscribers parked at the end of one stream, in the order of their arrival. */
export class ParkedSubscribers {
  readonly #all = new LinkedList<ParkedSubscriber>();
  #lastPlace = 0;

  get isEmpty(): boolean {
    return this.#all.first === null;
  }

  /** The place of the subscriber that was parked last. */
  get lastPlace(): number {
    return this.#lastPlace;
  }

  add(subscriber: ParkedSubscriber): void {
    if (this.#all.has(subscriber)) return;
    this.#lastPlace += 1;
    subscriber.place = this.#lastPlace;
    this.#all.push(subscriber);
  }

  delete(subscriber: ParkedSubscriber): void {
    this.#all.remove(subscriber);
  }

  clear(): void {
    this.#all.clear();
  }

  /** The offsets at which subscribers are parked: nearly always only the end. */
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
   * Resumes the subscribers parked where the page begins, unless they have everything. Resumes as many as
   * one turn of the event loop has room for; between the turns, subscribers may come and leave.
   *
   * @param upTo last place to resume: a subscriber that reaches the end is parked behind it
   * @param isOver whether the stream is over after the page: then no subscriber stays parked
   * @returns whether to call it again
   */
  release(page: EncodedPage, upTo: number, isOver: boolean, turn: Pick<Turn, 'isOver'>): boolean {
    for (
      let { first } = this.#all;
      first !== null && first.place <= upTo;
      first = this.#all.first
    ) {
      this.#all.remove(first);
      if (mayResume(first, page, isOver)) first.resume();
      else this.add(first);
      if (turn.isOver()) return true;
    }
    return false;
  }

  #manyOffsets(): Set<number> {
    const offsets = new Set<number>();
    for (let one = this.#all.first; one !== null; one = one.next) offsets.add(one.position.offset);
    return offsets;
  }
}

function mayResume({ position }: ParkedSubscriber, page: EncodedPage, isOver: boolean): boolean {
  if (position.offset !== page.offset) return false;
  const hasAll = page.isEmpty && position.tag !== null && matches(position, page.tag);
  return isOver || !hasAll;
}
