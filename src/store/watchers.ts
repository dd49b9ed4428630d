import { type StreamId, streamKey } from './stream-manager.js';

/** A watch, as an object of its own, so that one callback may watch twice. */
interface Watch {
  readonly onChange: () => void;
}

/** The watches of this process, by stream. */
export class Watchers {
  /** A stream nearly always has one watch, that of its follower: a set of one would take most of the memory. */
  readonly #byStream = new Map<string, Watch | Set<Watch>>();

  /** @param hooks called when the first watch of a stream begins, its last one ends, and one throws */
  constructor(readonly hooks: WatcherHooks = {}) {}

  add(stream: StreamId, onChange: () => void): () => void {
    const key = streamKey(stream);
    const watch = { onChange };
    const known = this.#byStream.get(key);
    if (known instanceof Set) known.add(watch);
    else this.#byStream.set(key, known === undefined ? watch : new Set([known, watch]));
    if (known === undefined) this.hooks.onFirst?.(stream);
    return () => this.#remove(key, stream, watch);
  }

  notify(key: string): void {
    const known = this.#byStream.get(key);
    if (known instanceof Set) for (const watch of known) this.#call(watch);
    else if (known !== undefined) this.#call(known);
  }

  /** Number of watched streams. */
  get size(): number {
    return this.#byStream.size;
  }

  clear(): void {
    this.#byStream.clear();
  }

  /** Calls a watcher. The change has been made, so an error of a watcher must neither fail it nor end the
   * process. */
  #call({ onChange }: Watch): void {
    try {
      onChange();
    } catch (error) {
      this.hooks.onFailure?.(error);
    }
  }

  #remove(key: string, stream: StreamId, watch: Watch): void {
    const known = this.#byStream.get(key);
    const isLast = known instanceof Set ? known.delete(watch) && known.size === 0 : known === watch;
    if (!isLast) return;
    this.#byStream.delete(key);
    this.hooks.onLast?.(stream);
  }
}

export interface WatcherHooks {
  readonly onFirst?: (stream: StreamId) => void;
  readonly onLast?: (stream: StreamId) => void;
  readonly onFailure?: (error: unknown) => void;
}
