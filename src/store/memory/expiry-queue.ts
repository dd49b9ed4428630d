/** The clock may be set, and a timer does not notice: a long wait is made in several. */
const maxTimerMs = 1000;

/** How many items are checked in one turn: streams that begin together expire together. */
const maxPerTurn = 1000;

/** An item that expires, with what the queue keeps in it. */
export interface Expiring {
  /** When it expires, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** Its index in the queue, which alone sets it; -1 when it is not there. */
  place: number;
  /** When the queue checks it: never later than it expires. */
  dueAt: number;
}

/**
 * A binary heap of items by when they are checked. An item that has been given more time since is
 * put back then, so that an append, which gives more time, costs nothing here.
 */
export class ExpiryQueue<Item extends Expiring> {
  readonly #heap: Item[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(readonly onExpired: (item: Item) => void) {}

  /** Adds the item, or notes that it expires at another time than before. */
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
   * Calls `onExpired` for the items that have expired, for one turn of the event loop at most.
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

  /** The earlier one of two neighbours. */
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
