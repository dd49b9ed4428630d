let maySleep = false;

/** For a trial of the benchmark beside other programs, which need the core. */
export function sleepWhileWaiting(): void {
  maySleep = true;
}

/** A turn of the event loop in which nothing came takes less than this; one with work in it, more. */
const idleTurnUs = 20;

/**
 * Keeps the load generator from falling asleep while it waits. On a virtual machine it takes tens of
 * microseconds to wake a core, and the process whose write wakes it pays for that: the slower of
 * two servers, beside which the generator would sleep more often.
 */
export class Wakefulness {
  /** For how long there was something to do. */
  busyUs = 0;
  #isOver = false;
  #turnedAt = performance.now();

  private constructor() {
    this.#turn();
  }

  /** @returns null when the generator is to sleep, as where it shares its core with a store */
  static begin(sharesItsCore: boolean): Wakefulness | null {
    return maySleep || sharesItsCore ? null : new Wakefulness();
  }

  end(): void {
    this.#isOver = true;
  }

  #turn(): void {
    const now = performance.now();
    const us = (now - this.#turnedAt) * 1000;
    if (us >= idleTurnUs) this.busyUs += us;
    this.#turnedAt = now;
    if (!this.#isOver) setImmediate(() => this.#turn());
  }
}
