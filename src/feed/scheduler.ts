import { nextTick } from 'node:process';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

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

/** A delivery to the feeds of one stream, which takes a part of each turn until it is done. */
interface Delivery {
  /** Returns whether there is more to do in a later turn. Must not throw. */
  readonly deliver: (turn: Turn) => boolean;
  readonly onDone: () => void;
}

/** The deliveries to all streams, which share the budget of each turn, since each may be to few feeds. */
export class DeliveryQueue {
  #turn: Turn | null = null;
  #waiting: Delivery[] = [];

  /** Delivers at once if this turn has room, else in later turns, in order of the calls, until it is done. */
  run(deliver: Delivery['deliver']): Promise<void> {
    return new Promise((onDone) => {
      this.#waiting.push({ deliver, onDone });
      if (this.#turn === null) this.#takeTurn();
      else if (this.#waiting.length === 1) this.#serve(this.#turn);
    });
  }

  #takeTurn(): void {
    this.#turn = new Turn();
    setImmediate(() => {
      this.#turn = null;
      if (this.#waiting.length > 0) this.#takeTurn();
    });
    this.#serve(this.#turn);
  }

  #serve(turn: Turn): void {
    let done = 0;
    for (const { deliver, onDone } of this.#waiting) {
      if (turn.isFull || deliver(turn)) break;
      onDone();
      done += 1;
    }
    this.#waiting = this.#waiting.slice(done);
  }
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

/** At least this many items are in each batch. */
const minPerBatch = 20;
const batchIntervalMs = 100;

/**
 * Calls `act` for each item, in batches: clients whose feeds end must not reconnect to the other nodes all
 * at once (a thundering herd).
 *
 * @param spreadMs max time of all batches together
 * @param pause waits between two batches
 */
export async function inBatches<T>(
  items: readonly T[],
  spreadMs: number,
  act: (item: T) => void,
  pause: (ms: number) => Promise<void> = sleep,
): Promise<void> {
  const perBatch = Math.max(minPerBatch, Math.ceil((items.length * batchIntervalMs) / spreadMs));
  for (let from = 0; from < items.length; from += perBatch) {
    if (from > 0) await pause(batchIntervalMs);
    await inTurns(items.slice(from, from + perBatch), act);
  }
}

/** The pause between two writes to all feeds, as a multiple of the time that the first one took. */
const restFactor = 3;

/** Max pause, too short for a reader to notice. */
const maxRestMs = 10;

/** Min pause: timers cannot be shorter, and a turn of the event loop takes nearly as long. */
const minRestMs = 1;

/**
 * Decides when the feeds of a stream are written to. A single event is sent in the next turn of the
 * event loop. When events arrive faster than they can be written to all feeds one by one, those of a
 * few milliseconds are sent together: a write costs nearly the same for many events as for one.
 */
export class Coalescer {
  #restsUntil = 0;

  /**
   * Begins the pause after all feeds were written to. The measurement ends in `nextTick`, as Node
   * hands the bytes to the sockets, which is the costly part, after the running code.
   *
   * @param startedAt when the first feed was written to, on the clock of `performance.now()`
   */
  rest(startedAt: number): Promise<void> {
    return new Promise((resolve) => {
      nextTick(() => {
        const now = performance.now();
        this.#restsUntil = now + Math.min(restFactor * (now - startedAt), maxRestMs);
        resolve();
      });
    });
  }

  /** Calls back at once, or when the pause is over. */
  afterRest(next: () => void): void {
    const restMs = this.#restsUntil - performance.now();
    if (restMs < minRestMs) next();
    else setTimeout(next, restMs);
  }
}
