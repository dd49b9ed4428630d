/** A task that is polled repeatedly. */
export abstract class PollTask {
  /** Set by the timer alone: the turn in which the task is polled, unless it is postponed before. */
  dueTurn: number | null = null;
  /** Set by the timer alone: whether one of its lists has the task. */
  isListed = false;

  abstract poll(): void;
}

/** Max number of turns in an interval; fewer if they would be too short for a timer. */
const maxTurns = 20;
const minTurns = 2;
const minTurnMs = 5;

/**
 * Polls many tasks with one timer, each an interval after it was last postponed. To postpone a task is cheap, since it
 * happens at each delivery: it only records the turn of the timer in which the task is due. The timer looks at a
 * task once an interval, and lists it for a later turn if it has been postponed.
 */
export class PollTimer {
  /** The tasks that are looked at in a turn, at its number modulo the length. */
  readonly #lists: PollTask[][];
  readonly #turnMs: number;
  readonly #turns: number;
  #count = 0;
  #turn = 0;
  /** When the current turn was due to begin, regardless of the delay of the timer. */
  #turnedAt = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(intervalMs: number) {
    this.#turns = Math.max(Math.min(maxTurns, Math.floor(intervalMs / minTurnMs)), minTurns);
    this.#turnMs = intervalMs / this.#turns;
    this.#lists = Array.from({ length: this.#turns + 1 }, () => []);
  }

  /** Postpones the poll of a task to about an interval from now, and no later. */
  postpone(task: PollTask): void {
    if (task.dueTurn === null) this.#add();
    // One turn less for some, so that tasks that were polled together spread out.
    task.dueTurn = this.#turn + this.#turns - Math.round(Math.random());
    if (!task.isListed) this.#list(task, task.dueTurn);
  }

  remove(task: PollTask): void {
    if (task.dueTurn === null) return;
    task.dueTurn = null;
    this.#count -= 1;
    if (this.#count > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    for (const list of this.#lists) unlist(list.splice(0));
  }

  #add(): void {
    this.#count += 1;
    if (this.#timer !== null) return;
    this.#turnedAt = performance.now();
    this.#timer = setInterval(() => this.#takeTurns(), this.#turnMs);
  }

  #list(task: PollTask, turn: number): void {
    task.isListed = true;
    this.#lists[turn % this.#lists.length]?.push(task);
  }

  #takeTurns(): void {
    const passed = Math.floor((performance.now() - this.#turnedAt) / this.#turnMs);
    const from = this.#turn + 1;
    this.#turn += passed;
    this.#turnedAt += passed * this.#turnMs;
    // All tasks are listed for one of these turns, however many have passed.
    const lists = Math.min(passed, this.#lists.length);
    for (let turn = from; turn < from + lists; turn += 1) this.#look(turn);
  }

  #look(turn: number): void {
    const tasks = unlist(this.#lists[turn % this.#lists.length]?.splice(0) ?? []);
    for (const task of tasks) {
      // The poll of another one may have removed or postponed it.
      if (task.dueTurn === null || task.isListed) continue;
      if (task.dueTurn > this.#turn) this.#list(task, task.dueTurn);
      else {
        this.postpone(task);
        task.poll();
      }
    }
  }
}

function unlist(tasks: PollTask[]): PollTask[] {
  for (const task of tasks) task.isListed = false;
  return tasks;
}
