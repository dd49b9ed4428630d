import { matches, type Position } from '../events/position.js';
import type { EncodedPage } from './pages.js';
import type { Turn } from './scheduler.js';

/** A subscriber that has everything and waits at the end of a stream. */
export interface ParkedSubscriber {
  readonly position: Position;
  /** Its neighbours in the list, which alone sets these fields. */
  previous: ParkedSubscriber | null;
  next: ParkedSubscriber | null;
  /** Its number in the order in which subscribers were parked. */
  place: number;
  /**
   * Called when there may be more at the position, the position no longer exists, or the stream is
   * over. Must not throw: others are parked behind.
   */
  resume(): void;
}

/**
 * All subscribers parked at the end of one stream, in the order of their arrival: a linked list, since they
 * come and go with each event. A `Set` allocates a new table every few changes. Once some of those tables
 * are in the old generation, each keeps all later ones alive, and minor garbage collections copy what
 * nobody uses.
 */
export class ParkedSubscribers {
  #first: ParkedSubscriber | null = null;
  #last: ParkedSubscriber | null = null;
  #lastPlace = 0;

  get isEmpty(): boolean {
    return this.#first === null;
  }

  /** The place of the subscriber that was parked last. */
  get lastPlace(): number {
    return this.#lastPlace;
  }

  add(subscriber: ParkedSubscriber): void {
    if (this.#has(subscriber)) return;
    this.#lastPlace += 1;
    subscriber.place = this.#lastPlace;
    subscriber.previous = this.#last;
    if (this.#last === null) this.#first = subscriber;
    else this.#last.next = subscriber;
    this.#last = subscriber;
  }

  delete(subscriber: ParkedSubscriber): void {
    if (!this.#has(subscriber)) return;
    const { previous, next } = subscriber;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    // A subscriber that was removed must not keep its old neighbours alive.
    subscriber.previous = null;
    subscriber.next = null;
  }

  clear(): void {
    while (this.#first !== null) this.delete(this.#first);
  }

  /** Whether no subscriber is parked elsewhere, nor in another stream of the same name. */
  areAllAt({ offset, tag }: Position): boolean {
    for (let one = this.#first; one !== null; one = one.next) {
      if (one.position.offset !== offset || one.position.tag !== tag) return false;
    }
    return true;
  }

  /** The offsets at which subscribers are parked: nearly always only the end. */
  offsets(): Iterable<number> {
    if (this.#first === null) return [];
    const { offset } = this.#first.position;
    for (let one = this.#first.next; one !== null; one = one.next) {
      if (one.position.offset !== offset) return this.#manyOffsets();
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
    for (let first = this.#first; first !== null && first.place <= upTo; first = this.#first) {
      this.delete(first);
      if (mayResume(first, page, isOver)) first.resume();
      else this.add(first);
      if (turn.isOver()) return true;
    }
    return false;
  }

  #has(subscriber: ParkedSubscriber): boolean {
    return subscriber.previous !== null || subscriber === this.#first;
  }

  #manyOffsets(): Set<number> {
    const offsets = new Set<number>();
    for (let one = this.#first; one !== null; one = one.next) offsets.add(one.position.offset);
    return offsets;
  }
}

function mayResume({ position }: ParkedSubscriber, page: EncodedPage, isOver: boolean): boolean {
  if (position.offset !== page.offset) return false;
  const hasAll = page.isEmpty && position.tag !== null && matches(position, page.tag);
  return isOver || !hasAll;
}
