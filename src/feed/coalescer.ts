import { nextTick } from 'node:process';

/** After writing to many feeds, they are left alone for so many times as long as that took. */
const restFactor = 3;

/** The longest rest; a reader does not notice it. */
const maxRestMs = 10;

/** A timer cannot be shorter, and a turn of the event loop is not much less. */
const leastRestMs = 1;

/**
 * When a stream's feeds are written to. An event that comes alone leaves in the next turn of the
 * event loop. Where events come faster than they can be written to all feeds one by one, those of
 * some milliseconds leave together: a write costs nearly the same for one event as for many.
 */
export class Pace {
  #restsUntil = 0;

  /**
   * Begins the rest after all feeds were written to. Node hands the bytes to the sockets after the
   * code that runs, and that is what takes its time.
   *
   * @param startedAt when the first one was, on the clock of `performance.now()`
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

  /** Calls back at once, or when the rest is over. */
  afterRest(goOn: () => void): void {
    const restMs = this.#restsUntil - performance.now();
    if (restMs < leastRestMs) goOn();
    else setTimeout(goOn, restMs);
  }
}
