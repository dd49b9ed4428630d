/** A time that does not come. */
export const never = Number.POSITIVE_INFINITY;

/** A time on the clock of `performance.now()` at which something is done, unless it is put off. */
export class Deadline {
  #timer: NodeJS.Timeout | null = null;

  constructor(readonly onDue: () => void) {}

  /** @param at replaces the time before; `never` for none */
  set(at: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (at === never) return;
    // Rounded up, since a timer cuts off fractions: what is done then must not be too early.
    const delayMs = Math.max(Math.ceil(at - performance.now()) + 1, 0);
    this.#timer = setTimeout(this.onDue, delayMs);
  }
}
