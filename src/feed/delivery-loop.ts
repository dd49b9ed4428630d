import { Pace } from './coalescer.js';
import type { EncodedPage } from './encoded-page.js';
import type { FeedObserver, ReadCause } from './feed-observer.js';
import { ParkedSubscribers, type Waiter } from './parked-subscribers.js';
import { type TurnQueue, type TurnTaker, turnWithRoom } from './turns.js';

/** What rounds need of their reader. */
export interface RoundReader {
  /** Whether it knows of the stream what subscribers at the end ask for. */
  readonly isInformed: boolean;
  /** Counts the streams of this name. */
  readonly generation: number;
  /** Whether feeds at the end of the stream end now. */
  isOver(): boolean;
  /** @throws ServiceError */
  learn(): Promise<unknown>;
  /** @throws ServiceError */
  read(offset: number, cause: ReadCause): Promise<EncodedPage>;
  /** To be told of each failure; it calls `retryLater`. */
  logFailure(error: unknown): void;
  /** Called when all that was announced has been read. */
  putOffPoll(): void;
}

/**
 * Has a stream read when there may be more of it, for all who wait at its end. What arrives during
 * a round leaves together in the next one.
 */
export class DeliveryLoop implements TurnTaker {
  readonly #waiting = new ParkedSubscribers();
  readonly #pace = new Pace();
  #wakes = 0;
  /** When the first wake-up came that no round has taken care of. */
  #wokenAt: number | null = null;
  /** The wake-ups that the running round takes care of. */
  #roundWakes = 0;
  #isRunning = false;
  /** Whether a read has failed that no round has tried again. */
  #hasFailed = false;
  #isClosed = false;
  /** What is being handed out: those who wait look here for it, since it may be kept nowhere else. */
  #page: EncodedPage | null = null;

  constructor(
    readonly reader: RoundReader,
    /** Of the rounds of all streams. */
    readonly turns: TurnQueue,
    readonly observer: FeedObserver,
  ) {}

  /** How often there may have been more: a read misses what comes after it began. */
  get wakes(): number {
    return this.#wakes;
  }

  /** Whether what was read after so many wake-ups still counts: until the next round reads again. */
  isFresh(wakes: number): boolean {
    return wakes === this.#wakes || (this.#isRunning && wakes >= this.#roundWakes);
  }

  /** The page that is being handed out, if it begins there. */
  pageAt(offset: number): EncodedPage | undefined {
    return this.#page?.offset === offset ? this.#page : undefined;
  }

  wait(waiter: Waiter): void {
    this.#waiting.add(waiter);
  }

  leave(waiter: Waiter): void {
    this.#waiting.delete(waiter);
  }

  /**
   * The stream is over: one more read shows those who wait what they do not have, since a wake-up may
   * have been lost, or that they have all.
   */
  finish(): void {
    if (this.#begin()) this.#schedule();
  }

  /** What is being handed out is no longer what there is. */
  dropPage(): void {
    this.#page = null;
  }

  /** In the next turn of the event loop, one round takes care of what comes in this one. */
  wake(): void {
    this.#wokenAt ??= performance.now();
    if (this.#begin()) this.#schedule();
  }

  /** @param isSure whether no wake-up gets lost: then only what has failed is tried again */
  poll(isSure: boolean): void {
    if (isSure && !this.#hasFailed) return;
    if (this.#begin()) void this.#run();
  }

  /** The next poll reads again in any case. */
  retryLater(): void {
    this.#hasFailed = true;
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.clear();
  }

  /** Returns whether a round has to be started for it. */
  #begin(): boolean {
    this.#wakes += 1;
    if (this.#isRunning || this.#isClosed) return false;
    this.#isRunning = true;
    return true;
  }

  #schedule(): void {
    this.#pace.afterRest(() => this.turns.push(this));
  }

  takeTurn(): void {
    void this.#run();
  }

  async #run(): Promise<void> {
    const { reader } = this;
    this.#roundWakes = this.#wakes;
    this.#hasFailed = false;
    if (!reader.isInformed) await reader.learn().catch((error) => reader.logFailure(error));
    const wokenAt = this.#wokenAt;
    this.#wokenAt = null;
    const cause = wokenAt === null ? 'poll' : 'wake_up';
    let hasDelivered = false;
    for (const offset of this.#waiting.offsets()) {
      try {
        const { generation } = reader;
        const isOver = reader.isOver();
        const page = await reader.read(offset, cause);
        await this.#handOut(page, generation === reader.generation, isOver);
        if (!page.isEmpty) hasDelivered = true;
      } catch (error) {
        reader.logFailure(error);
      }
    }
    if (wokenAt !== null && hasDelivered) this.observer.caughtUp(performance.now() - wokenAt);
    this.#end();
  }

  /**
   * @param isCurrent whether it is a page of the stream that there is now: else all read anew
   * @param isOver whether the stream was over before it was read
   */
  async #handOut(page: EncodedPage, isCurrent: boolean, isOver: boolean): Promise<void> {
    const startedAt = performance.now();
    const { lastPlace } = this.#waiting;
    this.#page = isCurrent ? page : null;
    while (this.#waiting.release(page, lastPlace, isOver, await turnWithRoom()));
    this.#page = null;
    await this.#pace.rest(startedAt);
  }

  #end(): void {
    if (this.#isClosed) this.#isRunning = false;
    else if (this.#wakes !== this.#roundWakes) this.#schedule();
    else {
      this.#isRunning = false;
      this.reader.putOffPoll();
    }
  }
}
