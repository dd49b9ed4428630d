import { LruMap } from 'toad-cache';

/**
 * How many streams a process remembers for each purpose: each takes some 120 bytes and its key, of
 * 257 characters at most.
 */
export const maxRememberedStreams = 100_000;

/** How many values are checked in one step. */
const entriesPerStep = 1000;

/**
 * Remembers values in bounded memory. When it is full, a new one is not remembered until one that is
 * there expires or is deleted. A cache that made room would evict each value just before it is asked
 * for, if more than fit were asked for in turn; here all that fit are found, so that the cost grows
 * with the number of those that do not.
 */
export class BoundedCache<Value> {
  readonly #entries: LruMap<Value>;

  /** @param keptMs since a value was set; 0: until it is deleted */
  constructor(
    readonly max: number,
    keptMs: number,
  ) {
    this.#entries = new LruMap(max, Math.ceil(keptMs));
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: Value): void {
    this.#purge();
    if (this.size < this.max || this.#entries.get(key) !== undefined) this.#entries.set(key, value);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** The keys of the values that match, step by step: a full cache takes long to go through. */
  *keysWhere(matches: (value: Value) => boolean): Generator<void, string[]> {
    const keys: string[] = [];
    let checked = 0;
    for (const [key, { value }] of this.#entries.items) {
      if (matches(value)) keys.push(key);
      checked += 1;
      if (checked % entriesPerStep === 0) yield;
    }
    return keys;
  }

  /** Values that were used last are behind: what nobody asks for any more comes to the front. */
  #purge(): void {
    if (this.#entries.ttl === 0) return;
    const now = Date.now();
    while (this.#entries.first !== null && this.#entries.first.expiry <= now) this.#entries.evict();
  }
}
