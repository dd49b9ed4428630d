import { residentMib } from '../../../test/support/memory.js';

const lookEveryMs = 50;

/** The most memory that a process has had since the last look at it. */
export class PeakMemory {
  readonly #timer = setInterval(() => this.#look(), lookEveryMs);
  #peakMib = 0;

  /** @param correctionMib taken off what it has at a moment */
  constructor(
    readonly pid: number,
    readonly correctionMib: () => number = () => 0,
  ) {}

  takeMib(): number {
    this.#look();
    const peak = this.#peakMib;
    this.#peakMib = 0;
    return peak;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.#peakMib = Math.max(this.#peakMib, residentMib(this.pid) - this.correctionMib());
  }
}
