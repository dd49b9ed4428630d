import { setTimeout as sleep } from 'node:timers/promises';
import type { LogId, StreamId, StreamInfo, StreamManager } from '../../store/stream-manager.js';

/** Min time between two reads of the status of a stream with many appends. */
const minPauseMs = 100;

/** Waits for the changes of one log, on behalf of a request that may end meanwhile. */
export class StreamChanges {
  readonly #unwatch: () => void;
  #hasChanged = false;
  #resolve: () => void = () => {};

  constructor(streams: StreamManager, log: LogId) {
    this.#unwatch = streams.watch(log, () => this.leave());
  }

  /** Resolves at the next change, at once after one since the last call, after `ms`, or by `leave`. */
  async wait(ms: number): Promise<void> {
    if (!this.#hasChanged) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
        timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
    }
    this.#hasChanged = false;
  }

  /** Ends the wait, as after a change. */
  leave(): void {
    this.#hasChanged = true;
    this.#resolve();
  }

  close(): void {
    this.#unwatch();
    this.leave();
  }
}

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

/** Watches for the end of a stream by somebody else. @returns what ends the watch */
export function watchEnd(options: EndWatchOptions): () => void {
  const { streams, stream, pollIntervalMs, producerId, onEnd } = options;
  const changes = new StreamChanges(streams, stream);
  let isClosed = false;
  const watch = async () => {
    for (let askedAt = performance.now(); !isClosed; askedAt = performance.now()) {
      await changes.wait(pollIntervalMs);
      await sleep(Math.max(askedAt + minPauseMs - performance.now(), 0));
      if (isClosed) return;
      // An unavailable store is read again later; the append itself reports the error.
      const info = await streams.getStatus(stream, producerId).catch(() => null);
      if (!isClosed && info !== null && info.status !== 'open') onEnd(info);
    }
  };
  void watch();
  return () => {
    isClosed = true;
    changes.close();
  };
}
