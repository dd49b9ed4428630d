/** What is to be done again and again. */
export interface Polled {
  poll(): void;
}

/** Into how many turns an interval is divided, unless they would be too short for a timer. */
const mostTurns = 20;
const leastTurns = 2;
const leastTurnMs = 5;

/**
 * Polls many readers, each an interval after it was put off last, with one timer. Those whose time
 * comes in the same turn are polled together.
 */
export class PollWheel {
  readonly #slots: readonly Set<Polled>[];
  readonly #slotOf = new Map<Polled, Set<Polled>>();
  readonly #turnMs: number;
  #current = 0;
  /** When the current turn began, whatever the timer was late by. */
  #turnedAt = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(intervalMs: number) {
    const turns = Math.min(mostTurns, Math.floor(intervalMs / leastTurnMs));
    this.#slots = Array.from({ length: Math.max(turns, leastTurns) }, () => new Set<Polled>());
    this.#turnMs = intervalMs / this.#slots.length;
  }

  /** Has it polled within an interval from now, and hardly earlier. */
  putOff(polled: Polled): void {
    this.#slotOf.get(polled)?.delete(polled);
    // A turn less for some, so that what was read at once spreads over the interval.
    const turns = this.#slots.length - Math.round(Math.random());
    const slot = this.#slotIn(turns);
    slot.add(polled);
    this.#slotOf.set(polled, slot);
    if (this.#timer === null) this.#start();
  }

  remove(polled: Polled): void {
    this.#slotOf.get(polled)?.delete(polled);
    this.#slotOf.delete(polled);
    if (this.#slotOf.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #start(): void {
    this.#turnedAt = performance.now();
    this.#timer = setInterval(() => this.#catchUp(), this.#turnMs);
  }

  #catchUp(): void {
    const now = performance.now();
    // After a standstill, once around is enough.
    const oldest = now - this.#slots.length * this.#turnMs;
    this.#turnedAt = Math.max(this.#turnedAt, oldest);
    while (this.#timer !== null && this.#turnedAt + this.#turnMs <= now) this.#turn();
  }

  #turn(): void {
    this.#turnedAt += this.#turnMs;
    this.#current = (this.#current + 1) % this.#slots.length;
    const slot = this.#slotIn(0);
    // A copy, as whoever is put off may come into the same slot.
    for (const polled of [...slot]) {
      if (!slot.has(polled)) continue; // removed by one that was polled before it
      this.putOff(polled);
      polled.poll();
    }
  }

  #slotIn(turns: number): Set<Polled> {
    return this.#slots[(this.#current + turns) % this.#slots.length] as Set<Polled>;
  }
}
