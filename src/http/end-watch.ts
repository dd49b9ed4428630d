import type { StreamId } from '../streams/stream-id.js';
import type { StreamManager } from '../streams/stream-manager.js';

/** A stream that is appended to all the time is asked no more often than this. */
const leastPauseMs = 100;

export interface EndWatchOptions {
  readonly streams: StreamManager;
  readonly stream: StreamId;
  /** The stream is asked at least this often, wake-ups or not. */
  readonly pollIntervalMs: number;
  readonly onEnd: (streamStatus: string) => void;
}

/** Watches for the end of a stream that somebody else brings about. */
export class EndWatch {
  readonly #unwatch: () => void;
  #timer: NodeJS.Timeout;
  #askedAt = performance.now();
  #isClosed = false;

  constructor(readonly options: EndWatchOptions) {
    this.#timer = this.#askIn(options.pollIntervalMs);
    this.#unwatch = options.streams.watch(options.stream, () => this.#onWake());
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    clearTimeout(this.#timer);
  }

  #onWake(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#askIn(Math.max(this.#askedAt + leastPauseMs - performance.now(), 0));
  }

  #askIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => void this.#ask(), ms);
  }

  async #ask(): Promise<void> {
    const { streams, stream, pollIntervalMs, onEnd } = this.options;
    this.#askedAt = performance.now();
    // A store that is away answers the next time; the append itself says that it is.
    const info = await streams.getStatus(stream).catch(() => null);
    if (this.#isClosed) return;
    if (info !== null && info.status !== 'open') onEnd(info.status);
    else {
      clearTimeout(this.#timer);
      this.#timer = this.#askIn(pollIntervalMs);
    }
  }
}
