import type { StreamEnd, StreamManager } from '../store/stream-manager.js';
import type { FeedObserver } from './feed-observer.js';

interface EndCheck extends StreamEnd {
  /** Called when the stream may end elsewhere, or could not be checked. Must not throw. */
  readonly onMoved: () => void;
}

/** The polls of streams whose feeds wait at the end. Those of one turn of the event loop share a request. */
export class EndChecks {
  #waiting: EndCheck[] = [];

  constructor(
    readonly streams: StreamManager,
    readonly observer: FeedObserver,
  ) {}

  add(check: EndCheck): void {
    if (this.#waiting.push(check) === 1) setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    const checks = this.#waiting;
    this.#waiting = [];
    const moved = await this.streams.findMoved(checks).catch(() => [...checks.keys()]);
    for (const index of moved) checks[index]?.onMoved();
    this.observer.read('poll', 'nothing', checks.length - moved.length);
  }
}
