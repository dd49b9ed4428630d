import { type Findings, isLate, nothingFound } from '../findings.js';

/** What a run has measured, and which of it is not as it was promised. */
export class Measures {
  readonly #worst: Record<string, number> = {};
  readonly #breaches: string[] = [];
  readonly #late: string[] = [];

  /** @param name ends with its unit */
  note(name: string, value: number): void {
    this.#worst[name] = value;
  }

  /** Notes it too. */
  atMost(name: string, value: number, limit: number): void {
    this.note(name, value);
    if (value <= limit) return;
    const passed = isLate(name, value) ? this.#late : this.#breaches;
    passed.push(`${name}: ${value.toFixed(1)}, promised are ${limit.toFixed(1)}`);
  }

  must(holds: boolean, breach: string): void {
    if (!holds) this.#breaches.push(breach);
  }

  findings(counted: Partial<Findings>): Findings {
    const [worst, breaches, late] = [this.#worst, this.#breaches, this.#late];
    return { ...nothingFound, ...counted, worst, breaches, late };
  }
}
