import type { StreamId } from '../../store/stream-id.js';
import type { StreamInfo, StreamManager } from '../../store/stream-manager.js';

/** A stream that is appended to all the time is asked no more often than this. */
const minPauseMs = 100;

export interface EndWatchOptions {
  readonly streams: StreamManager;
  readonly stream: StreamId;
  /** The stream is asked at least this often, wake-ups or not. */
  readonly pollIntervalMs: number;
  /** The producer that `onEnd` is told about. */
  readonly producerId: string | undefined;
  /** Called whenever the stream is found ended. */
  readonly onEnd: (info: StreamInfo) => void;
}

/** Watches for the end of a stream that somebody else brings about. */
export class EndWatch {
  readonly #unwatch: () => void;
  /** Null while the stream is being asked, unless a wake-up came meanwhile. */
  #timer: NodeJS.Timeout | null = null;
  #askedAt = performance.now();
  #isClosed = false;

  constructor(readonly options: EndWatchOptions) {
    // First, so that no timer is left behind should it throw; it may call back at once.
    this.#unwatch = options.streams.watch(options.stream, () => this.#onChange());
    this.#timer ??= this.#askIn(options.pollIntervalMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #onChange(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = this.#askIn(Math.max(this.#askedAt + minPauseMs - performance.now(), 0));
  }

  #askIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => void this.#ask(), ms);
  }

  async #ask(): Promise<void> {
    const { streams, stream, pollIntervalMs, producerId, onEnd } = this.options;
    this.#askedAt = performance.now();
    this.#timer = null;
    // A store that is away answers the next time; the append itself says that it is.
    const info = await streams.getStatus(stream, producerId).catch(() => null);
    if (this.#isClosed) return;
    if (info !== null && info.status !== 'open') onEnd(info);
    // What a wake-up told of during the answer may not be in it.
    this.#timer ??= this.#askIn(pollIntervalMs);
  }
}
