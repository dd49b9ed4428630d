import { LruMap } from 'toad-cache';

/**
 * Max entries of each cache of streams in a process. An entry takes about 120 bytes and its key, of up
 * to 257 characters.
 */
export const maxRememberedStreams = 100_000;

/** Number of values that are checked in one step. */
const entriesPerStep = 1000;

/**
 * A cache in bounded memory. A full one takes no new values until an old one expires or is deleted. A
 * cache that evicts would thrash when more values than fit are read in turn: each would be evicted just
 * before it is needed. Here all that fit are found, and only the rest cost anything.
 */
export class BoundedCache<Value> {
  readonly #entries: LruMap<Value>;

  /** @param keptMs how long after it was set a value expires; 0 keeps it until it is deleted */
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

  /** The keys of the values that match, in steps, since a scan of a full cache takes long. */
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

  /** Deletes expired values from the front of the LRU order, where unused ones end up. */
  #purge(): void {
    if (this.#entries.ttl === 0) return;
    const now = Date.now();
    while (this.#entries.first !== null && this.#entries.first.expiry <= now) this.#entries.evict();
  }
}
