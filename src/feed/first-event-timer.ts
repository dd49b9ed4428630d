import type { FeedObserver } from './feed-observer.js';

/** Measures how long feeds wait for the first event of a stream that did not exist when they opened. */
export class FirstEventTimer {
  /** When the first of these feeds began to wait, on the clock of `performance.now()`. */
  #startedAt: number | null = null;
  #hasSeenEvents = false;

  constructor(readonly observer: FeedObserver) {}

  /** To be called for each feed that found no stream, even if its status arrived late. */
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

  /** To be called when the stream is replaced by another one. */
  reset(): void {
    this.#hasSeenEvents = false;
  }
}
