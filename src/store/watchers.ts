import { type LogId, logKey } from './stream-manager.js';

/** A watch, as an object of its own, so that one callback may watch twice. */
interface Watch {
  readonly onChange: () => void;
}

/** The watches of this process, by log. */
export class Watchers {
  /** A log nearly always has one watch, that of its follower: a set of one would take most of the memory. */
  readonly #byLog = new Map<string, Watch | Set<Watch>>();

  /** @param hooks called when the first watch of a log begins, its last one ends, and one throws */
  constructor(readonly hooks: WatcherHooks = {}) {}

  add(log: LogId, onChange: () => void): () => void {
    const key = logKey(log);
    const watch = { onChange };
    const known = this.#byLog.get(key);
    if (known instanceof Set) known.add(watch);
    else this.#byLog.set(key, known === undefined ? watch : new Set([known, watch]));
    if (known === undefined) this.hooks.onFirst?.(log);
    return () => this.#remove(key, log, watch);
  }

  notify(key: string): void {
    const known = this.#byLog.get(key);
    if (known instanceof Set) for (const watch of known) this.#call(watch);
    else if (known !== undefined) this.#call(known);
  }

  /** Number of watched logs. */
  get size(): number {
    return this.#byLog.size;
  }

  clear(): void {
    this.#byLog.clear();
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

  #remove(key: string, log: LogId, watch: Watch): void {
    const known = this.#byLog.get(key);
    const isLast = known instanceof Set ? known.delete(watch) && known.size === 0 : known === watch;
    if (!isLast) return;
    this.#byLog.delete(key);
    this.hooks.onLast?.(log);
  }
}

export interface WatcherHooks {
  readonly onFirst?: (log: LogId) => void;
  readonly onLast?: (log: LogId) => void;
  readonly onFailure?: (error: unknown) => void;
}
