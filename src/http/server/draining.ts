import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FeedHub } from '../../feed/feed-hub.js';

/** The time over which the ends of many feeds are spread. */
const spreadMs = 3000;

/** How long a feed's last bytes may take to be sent. */
const graceMs = 3000;

/** How a node leaves: it reports so first, and ends its feeds when no more of them come. */
export class Draining {
  /** Whether a load balancer is to send traffic elsewhere. */
  isAnnounced = false;
  readonly #leaving = new AbortController();

  constructor(readonly feeds: FeedHub) {
    setMaxListeners(0, this.#leaving.signal); // one for each open request
  }

  /** Aborted when the node no longer serves what goes on elsewhere as well. */
  get leaving(): AbortSignal {
    return this.#leaving.signal;
  }

  /** @param delayMs for how long everything is served as before, once it is announced */
  async run(delayMs: number): Promise<void> {
    this.isAnnounced = true;
    await sleep(delayMs);
    this.#leaving.abort();
    await this.feeds.drain(graceMs, spreadMs);
  }

  /** Does the same at once. */
  async finish(): Promise<void> {
    this.isAnnounced = true;
    this.#leaving.abort();
    await this.feeds.drain(graceMs);
  }
}
