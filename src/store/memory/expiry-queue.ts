/** Max delay of a timer. Timers do not notice when the clock is set, so a long wait takes several. */
const maxTimerMs = 1000;

/** Max items checked in one turn of the event loop: streams created together expire together. */
const maxPerTurn = 1000;

/** An item that expires, with the fields that the queue keeps in it. */
export interface Expiring {
  /** When it expires, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** The index of the item, set by the queue alone; -1 when it is not in it. */
  place: number;
  /** When the queue checks the item: never later than it expires. */
  dueAt: number;
}

/**
 * A binary heap of items by the time of their check. An item whose expiry was extended is put back at
 * its check, so that an append, which extends the expiry, costs nothing here.
 */
export class ExpiryQueue<Item extends Expiring> {
  readonly #heap: Item[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(readonly onExpired: (item: Item) => void) {}

  /** Adds the item, or updates when it expires. */
  update(item: Item): void {
    if (item.place < 0) item.place = this.#heap.push(item) - 1;
    else if (item.expiresAt >= item.dueAt) return;
    item.dueAt = item.expiresAt;
    this.#rise(item);
    if (this.#timer === null) this.#schedule();
  }

  remove(item: Item): void {
    if (item.place < 0) return;
    const { place } = item;
    const last = this.#heap.pop() as Item;
    item.place = -1;
    if (last === item) return;
    this.#put(last, place);
    this.#rise(last);
    this.#sink(last);
  }

  /**
   * Calls `onExpired` for expired items, at most as many as one turn of the event loop has room for.
   *
   * @returns whether there may be more
   */
  expire(now: number): boolean {
    for (let checked = 0; checked < maxPerTurn; checked += 1) {
      const [first] = this.#heap;
      if (first === undefined || first.dueAt > now) return false;
      if (first.expiresAt > now) {
        first.dueAt = first.expiresAt;
        this.#sink(first);
      } else {
        this.remove(first);
        this.onExpired(first);
      }
    }
    return true;
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#heap.length = 0;
  }

  #put(item: Item, place: number): void {
    this.#heap[place] = item;
    item.place = place;
  }

  #rise(item: Item): void {
    while (item.place > 0) {
      const { place } = item;
      const above = (place - 1) >> 1;
      const parent = this.#heap[above] as Item;
      if (parent.dueAt <= item.dueAt) return;
      this.#put(parent, place);
      this.#put(item, above);
    }
  }

  #sink(item: Item): void {
    for (;;) {
      const { place } = item;
      const below = this.#earlier(2 * place + 1);
      if (below === undefined || below.dueAt >= item.dueAt) return;
      const { place: to } = below;
      this.#put(below, place);
      this.#put(item, to);
    }
  }

  /** The earlier of two siblings in the heap. */
  #earlier(left: number): Item | undefined {
    const [one, other] = [this.#heap[left], this.#heap[left + 1]];
    if (one === undefined || other === undefined) return one;
    return other.dueAt < one.dueAt ? other : one;
  }

  #schedule(): void {
    const [first] = this.#heap;
    if (first === undefined) return;
    const delay = Math.min(Math.max(first.dueAt - Date.now(), 1), maxTimerMs);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.expire(Date.now());
      this.#schedule();
    }, delay);
    this.#timer.unref();
  }
}
