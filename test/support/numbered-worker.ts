import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { post } from './worker.js';

/** Posts numbered events one after another and notes what became of each, as far as it can know. */
export class NumberedWorker {
  readonly acknowledged: number[] = [];
  /** The service said that the event is not stored. */
  readonly rejected: number[] = [];
  /** No response, or one that says that it is unknown. */
  readonly unknown: number[] = [];
  /** How long the slowest response took. */
  slowestMs = 0;
  #isStopped = false;
  #running: Promise<void> | null = null;
  #next = 0;

  /**
   * @param url of the events route
   * @param pauseMs between the response to one event and the next event
   */
  constructor(
    readonly url: string,
    readonly pauseMs: number,
  ) {}

  start(): void {
    this.#running = this.#work();
  }

  /** Resolves when the last event has its response. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #work(): Promise<void> {
    while (!this.#isStopped) {
      const number = this.#next;
      this.#next += 1;
      (await this.#post(number)).push(number);
      await sleep(this.pauseMs);
    }
  }

  async #post(number: number): Promise<number[]> {
    const sentAt = performance.now();
    try {
      const { status, body } = await post(this.url, { type: 'answer', content: String(number) });
      if (status === 201) return this.acknowledged;
      return body.stored === 0 ? this.rejected : this.unknown;
    } catch {
      return this.unknown;
    } finally {
      this.slowestMs = Math.max(this.slowestMs, performance.now() - sentAt);
    }
  }
}

/** The numbers in the order of the events, given as JSON texts. */
export function numbersOf(events: readonly string[]): number[] {
  return events.map((event) => Number(JSON.parse(event).content));
}

/** Whatever happened meanwhile: nothing acknowledged is lost, nothing rejected is there, no repeat. */
export function expectSound(worker: NumberedWorker, stored: readonly number[]): void {
  expect(lostOf(worker, stored), 'acknowledged, but lost').toEqual([]);
  expectNothingFalse(worker, stored);
}

/** What was acknowledged and is not stored. */
export function lostOf(worker: NumberedWorker, stored: readonly number[]): number[] {
  return difference(worker.acknowledged, stored);
}

/** Nothing rejected is there, and no repeat, whatever may be lost. */
export function expectNothingFalse(worker: NumberedWorker, stored: readonly number[]): void {
  expect(new Set(stored).size, 'an event is stored twice').toBe(stored.length);
  const possible = [...worker.acknowledged, ...worker.unknown];
  expect(difference(stored, possible), 'stored, but rejected').toEqual([]);
  expect(worker.acknowledged.length, 'no event was acknowledged').toBeGreaterThan(0);
}

function difference(some: readonly number[], others: readonly number[]): number[] {
  const known = new Set(others);
  return some.filter((number) => !known.has(number));
}
