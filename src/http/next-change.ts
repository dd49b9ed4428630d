import { once } from 'node:events';
import type { StreamId } from '../streams/stream-id.js';
import type { StreamManager } from '../streams/stream-manager.js';

/** Waits for the changes of one stream, on behalf of a request that may end meanwhile. */
export class NextChange {
  readonly #changes = new EventTarget();
  readonly #unwatch: () => void;
  #hasChanged = false;

  /** @param signal aborted when there is nothing to wait for any more */
  constructor(
    streams: StreamManager,
    stream: StreamId,
    readonly signal: AbortSignal,
  ) {
    this.#unwatch = streams.watch(stream, () => {
      this.#hasChanged = true;
      this.#changes.dispatchEvent(new Event('change'));
    });
  }

  /** Resolves with the next change, with one since the last call, after `ms`, or when aborted. */
  async wait(ms: number): Promise<void> {
    if (!this.#hasChanged) {
      const signal = AbortSignal.any([this.signal, AbortSignal.timeout(Math.ceil(ms))]);
      await once(this.#changes, 'change', { signal }).catch(() => {}); // aborted, or time is up
    }
    this.#hasChanged = false;
  }

  close(): void {
    this.#unwatch();
  }
}
