import { nextTick } from 'node:process';

/** The pause between two writes to all feeds, as a multiple of the time that the first one took. */
const restFactor = 3;

/** Max pause, too short for a reader to notice. */
const maxRestMs = 10;

/** Min pause: timers cannot be shorter, and a turn of the event loop takes nearly as long. */
const minRestMs = 1;

/**
 * Decides when the feeds of a stream are written to. A single event is sent in the next turn of the
 * event loop. When events arrive faster than they can be written to all feeds one by one, those of a
 * few milliseconds are sent together: a write costs nearly the same for many events as for one.
 */
export class Coalescer {
  #restsUntil = 0;

  /**
   * Begins the pause after all feeds were written to. The measurement ends in `nextTick`, as Node
   * hands the bytes to the sockets, which is the costly part, after the running code.
   *
   * @param startedAt when the first feed was written to, on the clock of `performance.now()`
   */
  rest(startedAt: number): Promise<void> {
    return new Promise((resolve) => {
      nextTick(() => {
        const now = performance.now();
        this.#restsUntil = now + Math.min(restFactor * (now - startedAt), maxRestMs);
        resolve();
      });
    });
  }

  /** Calls back at once, or when the pause is over. */
  afterRest(next: () => void): void {
    const restMs = this.#restsUntil - performance.now();
    if (restMs < minRestMs) next();
    else setTimeout(next, restMs);
  }
}
