import type { FeedObserver } from './feed-observer.js';

/** Measures how long feeds wait for the first event of a stream that was not there when they opened. */
export class FirstEventTimer {
  /** Since when the first of these feeds waits, on the clock of `performance.now()`. */
  #startedAt: number | null = null;
  #hasSeenEvents = false;

  constructor(readonly observer: FeedObserver) {}

  /** To be called for each feed that found no stream, which it may have been told late. */
  start(): void {
    if (!this.#hasSeenEvents) this.#startedAt ??= performance.now();
  }

  /** To be called with each read that found events. */
  stop(): void {
    this.#hasSeenEvents = true;
    if (this.#startedAt === null) return;
    this.observer.began(performance.now() - this.#startedAt);
    this.#startedAt = null;
  }

  /** The stream is another one from here on. */
  reset(): void {
    this.#hasSeenEvents = false;
  }
}
