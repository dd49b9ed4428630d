import type { Poster } from './poster.js';

/** How often it checks what is due. */
const tickMs = 1;

/**
 * Has events appended at a rate, by one writer after another. A writer that still waits for an
 * response queues them, and their time counts from when they were due.
 */
export class Pacer {
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt = performance.now();
  #posted = 0;

  constructor(
    readonly posters: readonly Poster[],
    readonly perSecond: number,
  ) {
    this.#timer = setInterval(() => this.#post(), tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #post(): void {
    const due = ((performance.now() - this.#startedAt) / 1000) * this.perSecond;
    for (; this.#posted < due; this.#posted += 1) {
      this.posters[this.#posted % this.posters.length]?.post();
    }
  }
}
