import { setImmediate as nextTurn } from 'node:timers/promises';

/** Max feeds served in one turn of the event loop. */
const maxPerTurn = 500;

/** Max time of such a turn, since some formats take longer to encode a page than to write it. */
const maxTurnMs = 10;

/** The budget of one turn of the event loop, so that work for many feeds does not block the process. */
export class Turn {
  readonly #endsAt = performance.now() + maxTurnMs;
  #left = maxPerTurn;

  get isFull(): boolean {
    return this.#left <= 0 || performance.now() >= this.#endsAt;
  }

  /** To be called after each feed. Returns whether the budget is used up. */
  isOver(): boolean {
    this.#left -= 1;
    return this.isFull;
  }
}

/** The budget that all deliveries of this turn of the event loop share, since each may be to few feeds. */
let shared: Turn | null = null;

/** Resolves at once, or in a later turn, in order of the calls, if the budget is used up. */
export async function turnWithRoom(): Promise<Turn> {
  while (shared?.isFull) await nextTurn();
  if (shared !== null) return shared;
  // This callback runs before those that wait for the next turn, as they come only when this one is full.
  setImmediate(() => {
    shared = null;
  });
  shared = new Turn();
  return shared;
}

/** Calls `act` for each item, in as many turns as needed. A `Set` may change meanwhile. */
export async function inTurns<T>(items: Iterable<T>, act: (item: T) => void): Promise<void> {
  let turn = new Turn();
  for (const item of items) {
    act(item);
    if (!turn.isOver()) continue;
    await nextTurn();
    turn = new Turn();
  }
}

/** Work that continues in a later turn. */
export interface TurnTaker {
  /** Must not throw. */
  takeTurn(): void;
}

/** A queue of work for later turns of the event loop, first come, first served. */
export class TurnQueue {
  #waiting: TurnTaker[] = [];
  #isScheduled = false;

  push(one: TurnTaker): void {
    this.#waiting.push(one);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    this.#isScheduled = false;
    const due = this.#waiting;
    this.#waiting = [];
    const turn = new Turn();
    let count = 0;
    do due[count++]?.takeTurn();
    while (count < due.length && !turn.isOver());
    if (count < due.length) this.#waiting = due.slice(count).concat(this.#waiting);
    if (this.#waiting.length > 0) this.#schedule();
  };
}
