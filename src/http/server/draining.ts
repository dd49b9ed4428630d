import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FeedHub } from '../../feed/feed-hub.js';

export interface DrainingOptions {
  /** Many feeds end in batches, within this time. */
  readonly spreadMs: number;
  /** How long a feed's socket may take its last bytes. */
  readonly graceMs: number;
}

/** How a node leaves: it reports so first, and ends its feeds when no more of them come. */
export class Draining {
  #isAnnounced = false;
  readonly #leaving = new AbortController();

  constructor(
    readonly feeds: FeedHub,
    readonly options: DrainingOptions,
  ) {
    setMaxListeners(0, this.#leaving.signal); // one for each open request
  }

  /** Whether a load balancer is to send traffic elsewhere. */
  get isAnnounced(): boolean {
    return this.#isAnnounced;
  }

  /** Aborted when the node no longer serves what goes on elsewhere as well. */
  get leaving(): AbortSignal {
    return this.#leaving.signal;
  }

  /** @param delayMs for how long everything is served as before, once it is announced */
  async run(delayMs: number): Promise<void> {
    this.#isAnnounced = true;
    await sleep(delayMs);
    this.#leaving.abort();
    await this.feeds.drain(this.options.graceMs, this.options.spreadMs);
  }

  /** Does the same at once. */
  async finish(): Promise<void> {
    this.#isAnnounced = true;
    this.#leaving.abort();
    await this.feeds.drain(this.options.graceMs);
  }
}
