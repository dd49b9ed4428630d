/** How long a value is kept at least since it was last asked for. */
const keptMs = 300_000;

/** So many values lie in each of the two halves at most. */
const maxPerHalf = 50_000;

/**
 * What is remembered of streams that are appended to. Those that go quiet are forgotten after five
 * to ten minutes, or sooner when there are very many: in two halves, of which the older one is
 * dropped as a whole, so that no timer and no scan is needed.
 */
export class RecentStreams<Value> {
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();
  #turnsAt = keptMs;

  /** @param now milliseconds of `performance.now()` */
  get(key: string, now: number): Value | undefined {
    if (now >= this.#turnsAt) this.#turn(now);
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const older = this.#old.get(key);
    if (older === undefined) return undefined;
    this.#old.delete(key);
    this.set(key, older, now);
    return older;
  }

  set(key: string, value: Value, now: number): void {
    if (this.#young.size >= maxPerHalf) this.#turn(now);
    this.#young.set(key, value);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  #turn(now: number): void {
    this.#old = now >= this.#turnsAt + keptMs ? new Map() : this.#young;
    this.#young = new Map();
    this.#turnsAt = now + keptMs;
  }
}
