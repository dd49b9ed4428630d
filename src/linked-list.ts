/** What keeps its own place in a list. It is in one list at the most. */
export interface Linked<T> {
  /** The list's own, like `next`. */
  previous: T | null;
  next: T | null;
}

/**
 * A list that allocates nothing for what comes and goes. A `Set` makes itself a new table every few
 * changes; where some of those tables have grown old, each keeps all that came after it, and a
 * collection of young garbage copies what nobody uses.
 */
export class LinkedList<T extends Linked<T>> {
  #first: T | null = null;
  #last: T | null = null;
  #size = 0;

  get first(): T | null {
    return this.#first;
  }

  get size(): number {
    return this.#size;
  }

  /** Puts at the end what is in no list. */
  push(item: T): void {
    item.previous = this.#last;
    if (this.#last === null) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
    this.#size += 1;
  }

  /** Takes out the first one. */
  shift(): T | null {
    const first = this.#first;
    if (first !== null) this.remove(first);
    return first;
  }

  has(item: T): boolean {
    return item.previous !== null || item === this.#first;
  }

  /** @param item of this list, or of none */
  remove(item: T): void {
    if (!this.has(item)) return;
    const { previous, next } = item;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    // What is out must not lead to what is in, or it would keep that alive.
    item.previous = null;
    item.next = null;
    this.#size -= 1;
  }

  /** Nobody's place is left in one that has gone. */
  clear(): void {
    while (this.shift() !== null);
  }
}
