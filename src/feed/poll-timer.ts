/** A task that is polled repeatedly. */
export abstract class PollTask {
  /** Set by the timer alone: the turn in which the task is polled, unless it is postponed before. */
  dueTurn: number | null = null;

  abstract poll(): void;
}

/** Max number of turns in an interval; fewer if they would be too short for a timer. */
const maxTurns = 20;
const minTurns = 2;
const minTurnMs = 5;

/**
 * Polls many tasks with one timer, each an interval after it was last postponed. To postpone a task is
 * cheap, since it happens at each delivery: it only records the turn of the timer in which the task is due.
 */
export class PollTimer {
  readonly #tasks = new Set<PollTask>();
  readonly #turnMs: number;
  readonly #turns: number;
  #turn = 0;
  /** When the current turn was due to begin, regardless of the delay of the timer. */
  #turnedAt = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(intervalMs: number) {
    this.#turns = Math.max(Math.min(maxTurns, Math.floor(intervalMs / minTurnMs)), minTurns);
    this.#turnMs = intervalMs / this.#turns;
  }

  /** Postpones the poll of a task to about an interval from now, and no later. */
  postpone(task: PollTask): void {
    if (task.dueTurn === null) this.#add(task);
    // One turn less for some, so that tasks that were polled together spread out.
    task.dueTurn = this.#turn + this.#turns - Math.round(Math.random());
  }

  remove(task: PollTask): void {
    task.dueTurn = null;
    this.#tasks.delete(task);
    if (this.#tasks.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #add(task: PollTask): void {
    this.#tasks.add(task);
    if (this.#timer !== null) return;
    this.#turnedAt = performance.now();
    this.#timer = setInterval(() => this.#takeTurn(), this.#turnMs);
  }

  #takeTurn(): void {
    const passed = Math.floor((performance.now() - this.#turnedAt) / this.#turnMs);
    this.#turn += passed;
    this.#turnedAt += passed * this.#turnMs;
    for (const task of this.#tasks) {
      if (task.dueTurn === null || task.dueTurn > this.#turn) continue;
      this.postpone(task);
      task.poll();
    }
  }
}
