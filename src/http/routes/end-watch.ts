import type { StreamId, StreamInfo, StreamManager } from '../../store/stream-manager.js';

/** Min time between two reads of the status of a stream with many appends. */
const minPauseMs = 100;

export interface EndWatchOptions {
  readonly streams: StreamManager;
  readonly stream: StreamId;
  /** The status is read at least this often, with or without notifications. */
  readonly pollIntervalMs: number;
  /** The producer whose state `onEnd` gets. */
  readonly producerId: string | undefined;
  /** Called whenever a status shows the end of the stream. */
  readonly onEnd: (info: StreamInfo) => void;
}

/** Watches for the end of a stream by somebody else. */
export class EndWatch {
  readonly #unwatch: () => void;
  /** Null while the status is being read, unless a notification arrived meanwhile. */
  #timer: NodeJS.Timeout | null = null;
  #askedAt = performance.now();
  #isClosed = false;

  constructor(readonly options: EndWatchOptions) {
    // First, in case it throws, so that no timer is left; it may call back at once.
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
    // An unavailable store is read again later; the append itself reports the error.
    const info = await streams.getStatus(stream, producerId).catch(() => null);
    if (this.#isClosed) return;
    if (info !== null && info.status !== 'open') onEnd(info);
    // The status may lack a change that a notification announced during the read.
    this.#timer ??= this.#askIn(pollIntervalMs);
  }
}
