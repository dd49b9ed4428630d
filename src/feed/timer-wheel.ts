/** A task that is polled repeatedly. The wheel keeps its own fields in it. */
export abstract class WheelTask {
  slot: Set<WheelTask> | null = null;
  /** The turn of the wheel in which the task is polled, unless it is postponed before. */
  dueTurn = 0;

  abstract poll(): void;
}

/** Max number of turns in an interval; fewer if they would be too short for a timer. */
const maxTurns = 20;
const minTurns = 2;
const minTurnMs = 5;

/**
 * Polls many tasks with one timer, each an interval after it was last postponed. Tasks due in the same
 * turn are polled together. To postpone a task is cheap, since it happens at each delivery: the task is
 * moved only when the wheel reaches its old slot.
 */
export class TimerWheel {
  readonly #slots: readonly Set<WheelTask>[];
  readonly #turnMs: number;
  readonly #turns: number;
  #turn = 0;
  /** When the current turn was due to begin, regardless of the delay of the timer. */
  #turnedAt = 0;
  /** Number of tasks on the wheel. */
  #size = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(intervalMs: number) {
    const turns = Math.min(maxTurns, Math.floor(intervalMs / minTurnMs));
    this.#turns = Math.max(turns, minTurns);
    this.#turnMs = intervalMs / this.#turns;
    // One more, so that a task postponed by an interval never comes into the current slot.
    this.#slots = Array.from({ length: this.#turns + 1 }, () => new Set<WheelTask>());
  }

  /** Postpones the poll of a task to about an interval from now, and no later. */
  postpone(task: WheelTask): void {
    // One turn less for some, so that tasks that were polled together spread out.
    task.dueTurn = this.#turn + this.#turns - Math.round(Math.random());
    if (task.slot !== null) return;
    this.#place(task);
    this.#size += 1;
    if (this.#timer === null) this.#start();
  }

  remove(task: WheelTask): void {
    if (task.slot === null) return;
    task.slot.delete(task);
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
    // After a pause of the process, one revolution is enough.
    const oldest = now - this.#turns * this.#turnMs;
    this.#turnedAt = Math.max(this.#turnedAt, oldest);
    while (this.#timer !== null && this.#turnedAt + this.#turnMs <= now) this.#takeTurn();
  }

  #takeTurn(): void {
    this.#turnedAt += this.#turnMs;
    this.#turn += 1;
    for (const task of this.#slotOf(this.#turn)) this.#visit(task);
  }

  #visit(task: WheelTask): void {
    const isDue = task.dueTurn <= this.#turn;
    if (isDue) this.postpone(task);
    task.slot?.delete(task);
    this.#place(task);
    if (isDue) task.poll();
  }

  #place(task: WheelTask): void {
    task.slot = this.#slotOf(task.dueTurn);
    task.slot.add(task);
  }

  #slotOf(turn: number): Set<WheelTask> {
    return this.#slots[turn % this.#slots.length] as Set<WheelTask>;
  }
}
