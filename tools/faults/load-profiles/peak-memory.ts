import { residentMib } from '../../../test/support/memory.js';

const measureEveryMs = 50;

/** The most memory that a process has had since it was last taken. */
export class PeakMemory {
  readonly #timer = setInterval(() => this.#measure(), measureEveryMs);
  #peakMib = 0;

  /** @param correctionMib taken off what it has at a moment */
  constructor(
    readonly pid: number,
    readonly correctionMib: () => number = () => 0,
  ) {}

  takeMib(): number {
    this.#measure();
    const peak = this.#peakMib;
    this.#peakMib = 0;
    return peak;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #measure(): void {
    this.#peakMib = Math.max(this.#peakMib, residentMib(this.pid) - this.correctionMib());
  }
}
