import { type Linked, LinkedList } from '../linked-list.js';

/** What is polled again and again. The wheel keeps in a task where it stands. */
export abstract class WheelTask implements Linked<WheelTask> {
  previous: WheelTask | null = null;
  next: WheelTask | null = null;
  slot: LinkedList<WheelTask> | null = null;
  /** The turn of the wheel in which it is polled, unless it is postponed until then. */
  dueTurn = 0;

  abstract poll(): void;
}

/** Into how many turns an interval is divided, unless they would be too short for a timer. */
const maxTurns = 20;
const minTurns = 2;
const minTurnMs = 5;

/**
 * Polls many tasks, each an interval after it was postponed last, with one timer. Those whose time
 * comes in the same turn are polled together. To postpone is cheap, since it is done for each
 * delivery: a task is moved on only when the wheel comes to it too early.
 */
export class TimerWheel {
  readonly #slots: readonly LinkedList<WheelTask>[];
  readonly #turnMs: number;
  readonly #turns: number;
  #turn = 0;
  /** When the current turn began, whatever the timer was late by. */
  #turnedAt = 0;
  /** How many tasks are on the wheel. */
  #size = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(intervalMs: number) {
    const turns = Math.min(maxTurns, Math.floor(intervalMs / minTurnMs));
    this.#turns = Math.max(turns, minTurns);
    this.#turnMs = intervalMs / this.#turns;
    // One more, so that a task postponed by an interval never comes into the current slot.
    this.#slots = Array.from({ length: this.#turns + 1 }, () => new LinkedList<WheelTask>());
  }

  /** Has a task polled within an interval from now, and hardly earlier. */
  postpone(task: WheelTask): void {
    // A turn less for some, so that what was read at once spreads over the interval.
    task.dueTurn = this.#turn + this.#turns - Math.round(Math.random());
    if (task.slot !== null) return;
    this.#place(task);
    this.#size += 1;
    if (this.#timer === null) this.#start();
  }

  remove(task: WheelTask): void {
    if (task.slot === null) return;
    task.slot.remove(task);
    task.slot = null;
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
    for (let task = slot.shift(); task !== null; task = slot.shift()) this.#visit(task);
  }

  #visit(task: WheelTask): void {
    const isDue = task.dueTurn <= this.#turn;
    if (isDue) this.postpone(task);
    this.#place(task);
    if (isDue) task.poll();
  }

  #place(task: WheelTask): void {
    task.slot = this.#slotOf(task.dueTurn);
    task.slot.push(task);
  }

  #slotOf(turn: number): LinkedList<WheelTask> {
    return this.#slots[turn % this.#slots.length] as LinkedList<WheelTask>;
  }
}
