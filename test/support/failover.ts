import { expect } from 'vitest';
import type { FeedClient } from './feed-client.js';
import { expectNothingFalse, lostOf, NumberedWorker, numbersOf } from './numbered-worker.js';
import { type Environment, isReady, openFeed, startService } from './test-processes.js';
import { waitFor } from './wait-for.js';
import { eventsUrl, feedUrl } from './worker.js';

/** A service under load, with a feed, on a Redis that changes under it. */
export class Failover {
  private constructor(
    readonly feed: FeedClient,
    readonly worker: NumberedWorker,
  ) {}

  static async start(settings: Environment, mid = 'm1'): Promise<Failover> {
    const service = await startService(settings);
    await isReady(service);
    const feed = await openFeed(feedUrl(service.url, '', 's1', mid));
    const worker = new NumberedWorker(eventsUrl(service.url, 's1', mid), 2);
    worker.start();
    await feed.frameCount(50);
    return new Failover(feed, worker);
  }

  async appendsGoOn(): Promise<void> {
    const before = this.worker.acknowledged.length;
    await waitFor('appends go on', () => this.worker.acknowledged.length >= before + 30);
  }

  async appendsFail(): Promise<void> {
    const { rejected, unknown } = this.worker;
    const before = rejected.length + unknown.length;
    await waitFor('appends fail', () => rejected.length + unknown.length > before);
  }

  async appendsAreRejected(): Promise<void> {
    const before = this.worker.rejected.length;
    await waitFor('appends are rejected', () => this.worker.rejected.length > before);
  }

  /**
   * The worker had its responses, and the reader has what is stored: all of it, or all of it
   * anew after a reset.
   *
   * @param elements of the list, at the end
   * @returns how many acknowledged events are lost
   */
  async expectNoSilentGap(what: string, elements: () => Promise<string[]>): Promise<number> {
    await this.worker.stop();
    const stored = numbersOf(await elements());
    await waitFor('the reader is up to date', () => this.#seen().length >= stored.length);
    expect(this.#seen()).toEqual(stored);
    expectNothingFalse(this.worker, stored);
    const { acknowledged, rejected, unknown, slowestMs } = this.worker;
    const lost = lostOf(this.worker, stored).length;
    const counts = `${acknowledged.length} acknowledged, ${lost} of them lost, ${rejected.length} rejected, ${unknown.length} unknown`;
    const resets = `${this.resetCount} resets, slowest answer ${slowestMs.toFixed(0)} ms`;
    console.log(`${what}: ${counts}, ${resets}`);
    return lost;
  }

  get resetCount(): number {
    return this.feed.frames.filter(({ event }) => event === 'reset').length;
  }

  /** What the reader holds: a reset makes it begin anew. */
  #seen(): number[] {
    const { frames } = this.feed;
    const from = frames.findLastIndex(({ event }) => event === 'reset') + 1;
    return numbersOf(frames.slice(from).map(({ data }) => data));
  }
}
