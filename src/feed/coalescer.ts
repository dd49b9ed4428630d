import { nextTick } from 'node:process';

/** After writing to many feeds, the next write waits this many times as long as that took. */
const restFactor = 3;

/** The longest wait; a reader does not notice it. */
const maxRestMs = 10;

/** A timer cannot be shorter, and a turn of the event loop is not much less. */
const minRestMs = 1;

/**
 * When the feeds of a stream are written to. An event that comes alone leaves in the next turn of the
 * event loop. Where events come faster than they can be written to all feeds one by one, those of
 * some milliseconds leave together: a write costs nearly the same for one event as for many.
 */
export class Coalescer {
  #restsUntil = 0;

  /**
   * Begins the wait after all feeds were written to. Node hands the bytes to the sockets after the
   * code that runs, and that is what takes its time.
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

  /** Calls back at once, or when the wait is over. */
  afterRest(next: () => void): void {
    const restMs = this.#restsUntil - performance.now();
    if (restMs < minRestMs) next();
    else setTimeout(next, restMs);
  }
}
