import { setImmediate as nextTurn } from 'node:timers/promises';

/** How many feeds are served in one turn of the event loop. */
const maxPerTurn = 500;

/** For how long, as a page costs some formats more than a write. */
const maxTurnMs = 10;

/** What may be done for many feeds before everything else in the process has its turn. */
export class Turn {
  readonly #endsAt = performance.now() + maxTurnMs;
  #left = maxPerTurn;

  get isFull(): boolean {
    return this.#left <= 0 || performance.now() >= this.#endsAt;
  }

  /** To be asked after each feed. */
  isOver(): boolean {
    this.#left -= 1;
    return this.isFull;
  }
}

/** The turn of all streams that deliver events in this turn of the event loop: each may have few feeds. */
let shared: Turn | null = null;

/** Resolves at once, unless the others have used up the turn: then in a later one, in their order. */
export async function turnWithRoom(): Promise<Turn> {
  while (shared?.isFull) await nextTurn();
  if (shared !== null) return shared;
  // Before those that wait for the next turn, since they come only when this one is full.
  setImmediate(() => {
    shared = null;
  });
  shared = new Turn();
  return shared;
}

/** Does the same for each, in as many turns as it takes; a `Set` may change meanwhile. */
export async function inTurns<T>(items: Iterable<T>, act: (item: T) => void): Promise<void> {
  let turn = new Turn();
  for (const item of items) {
    act(item);
    if (!turn.isOver()) continue;
    await nextTurn();
    turn = new Turn();
  }
}

/** What goes on in a later turn. */
export interface TurnTaker {
  /** Must not throw. */
  takeTurn(): void;
}

/** What goes on in a later turn of the event loop, first come, first served. */
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
