/** An item with its own links. It is in at most one list. */
export interface Linked<T> {
  /** Set by the list alone, like `next`. */
  previous: T | null;
  next: T | null;
}

/**
 * A list that allocates nothing when items come and go. A `Set` allocates a new table every few changes.
 * Once some of those tables are in the old generation, each keeps all later ones alive, and minor
 * garbage collections copy what nobody uses.
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

  /** Appends an item that is in no list. */
  push(item: T): void {
    item.previous = this.#last;
    if (this.#last === null) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
    this.#size += 1;
  }

  /** Removes and returns the first item. */
  shift(): T | null {
    const first = this.#first;
    if (first !== null) this.remove(first);
    return first;
  }

  has(item: T): boolean {
    return item.previous !== null || item === this.#first;
  }

  /** @param item in this list, or in none */
  remove(item: T): void {
    if (!this.has(item)) return;
    const { previous, next } = item;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    // An item that was removed must not keep its old neighbours alive.
    item.previous = null;
    item.next = null;
    this.#size -= 1;
  }

  /** Removes all items, and resets their links. */
  clear(): void {
    while (this.shift() !== null);
  }
}
