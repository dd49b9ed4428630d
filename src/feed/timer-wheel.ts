import { type Linked, LinkedList } from '../linked-list.js';

/** What is to be done again and again. The wheel keeps in it where it stands. */
export abstract class Polled implements Linked<Polled> {
  previous: Polled | null = null;
  next: Polled | null = null;
  slot: LinkedList<Polled> | null = null;
  /** The turn of the wheel in which it is polled, unless it is put off until then. */
  dueTurn = 0;

  abstract poll(): void;
}

/** Into how many turns an interval is divided, unless they would be too short for a timer. */
const mostTurns = 20;
const leastTurns = 2;
const leastTurnMs = 5;

/**
 * Polls many readers, each an interval after it was put off last, with one timer. Those whose time
 * comes in the same turn are polled together. Putting off is cheap, since it is done for each
 * delivery: a reader is moved on only when the wheel comes to it too early.
 */
export class TimerWheel {
  readonly #slots: readonly LinkedList<Polled>[];
  readonly #turnMs: number;
  readonly #turns: number;
  #turn = 0;
  /** When the current turn began, whatever the timer was late by. */
  #turnedAt = 0;
  /** How many are polled. */
  #size = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(intervalMs: number) {
    const turns = Math.min(mostTurns, Math.floor(intervalMs / leastTurnMs));
    this.#turns = Math.max(turns, leastTurns);
    this.#turnMs = intervalMs / this.#turns;
    // One more, so that whoever is put off by an interval never comes into the current slot.
    this.#slots = Array.from({ length: this.#turns + 1 }, () => new LinkedList<Polled>());
  }

  /** Has it polled within an interval from now, and hardly earlier. */
  putOff(polled: Polled): void {
    // A turn less for some, so that what was read at once spreads over the interval.
    polled.dueTurn = this.#turn + this.#turns - Math.round(Math.random());
    if (polled.slot !== null) return;
    this.#place(polled);
    this.#size += 1;
    if (this.#timer === null) this.#start();
  }

  remove(polled: Polled): void {
    if (polled.slot === null) return;
    polled.slot.remove(polled);
    polled.slot = null;
    this.#size -= 1;
    if (this.#size > 0 || this.#timer === null) return;
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
    const oldest = now - this.#turns * this.#turnMs;
    this.#turnedAt = Math.max(this.#turnedAt, oldest);
    while (this.#timer !== null && this.#turnedAt + this.#turnMs <= now) this.#takeTurn();
  }

  #takeTurn(): void {
    this.#turnedAt += this.#turnMs;
    this.#turn += 1;
    const slot = this.#slotOf(this.#turn);
    for (let polled = slot.shift(); polled !== null; polled = slot.shift()) this.#meet(polled);
  }

  #meet(polled: Polled): void {
    const isDue = polled.dueTurn <= this.#turn;
    if (isDue) this.putOff(polled);
    this.#place(polled);
    if (isDue) polled.poll();
  }

  #place(polled: Polled): void {
    polled.slot = this.#slotOf(polled.dueTurn);
    polled.slot.push(polled);
  }

  #slotOf(turn: number): LinkedList<Polled> {
    return this.#slots[turn % this.#slots.length] as LinkedList<Polled>;
  }
}
