import type { FeedObserver } from './feed-observer.js';

/** Measures how long feeds have waited for a stream that was not there when they were opened. */
export class Beginning {
  /** Since when the first of them waits, on the clock of `performance.now()`. */
  #awaitedSince: number | null = null;
  #isSeen = false;

  constructor(readonly observer: FeedObserver) {}

  /** Whoever was told that there is no stream may be told late. */
  wait(): void {
    if (!this.#isSeen) this.#awaitedSince ??= performance.now();
  }

  /** To be called with each read that found events. */
  see(): void {
    this.#isSeen = true;
    if (this.#awaitedSince === null) return;
    this.observer.began(performance.now() - this.#awaitedSince);
    this.#awaitedSince = null;
  }

  /** The stream is another one from here on. */
  forget(): void {
    this.#isSeen = false;
  }
}
