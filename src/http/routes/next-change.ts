import type { StreamId, StreamManager } from '../../store/stream-manager.js';

/** Waits for the changes of one stream, on behalf of a request that may end meanwhile. */
export class NextChange {
  readonly #unwatch: () => void;
  #hasChanged = false;
  #resolve: () => void = () => {};

  constructor(streams: StreamManager, stream: StreamId) {
    this.#unwatch = streams.watch(stream, () => this.#change());
  }

  /** Resolves at the next change, at once after one since the last call, after `ms`, or by `leave`. */
  async wait(ms: number): Promise<void> {
    if (!this.#hasChanged) {
      const { promise, resolve } = withResolvers();
      this.#resolve = resolve;
      const timer = setTimeout(resolve, ms);
      await promise;
      clearTimeout(timer);
    }
    this.#hasChanged = false;
  }

  /** Ends the wait, as the client has left or should not wait. */
  leave(): void {
    this.#change();
  }

  close(): void {
    this.#unwatch();
  }

  #change(): void {
    this.#hasChanged = true;
    this.#resolve();
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
