import { type StreamId, streamKey } from './stream-id.js';

/** The watches of this process, by stream. */
export class Watchers {
  readonly #byStream = new Map<string, Set<() => void>>();

  /** @param hooks told when the first watch of a stream begins and its last one ends */
  constructor(readonly hooks: WatcherHooks = {}) {}

  add(stream: StreamId, onWake: () => void): () => void {
    const key = streamKey(stream);
    // A function of its own for each watch, so that one callback may watch twice.
    const wake = () => onWake();
    this.#setOf(key, stream).add(wake);
    return () => this.#remove(key, stream, wake);
  }

  wake(key: string): void {
    for (const wake of this.#byStream.get(key) ?? []) wake();
  }

  wakeAll(): void {
    for (const key of this.#byStream.keys()) this.wake(key);
  }

  /** How many streams are watched. */
  get size(): number {
    return this.#byStream.size;
  }

  clear(): void {
    this.#byStream.clear();
  }

  #setOf(key: string, stream: StreamId): Set<() => void> {
    const known = this.#byStream.get(key);
    if (known !== undefined) return known;
    const created = new Set<() => void>();
    this.#byStream.set(key, created);
    this.hooks.onFirst?.(stream);
    return created;
  }

  #remove(key: string, stream: StreamId, wake: () => void): void {
    const watches = this.#byStream.get(key);
    if (watches?.delete(wake) !== true || watches.size > 0) return;
    this.#byStream.delete(key);
    this.hooks.onLast?.(stream);
  }
}

export interface WatcherHooks {
  readonly onFirst?: (stream: StreamId) => void;
  readonly onLast?: (stream: StreamId) => void;
}
