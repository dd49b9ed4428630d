import { BoundedCache, maxRememberedStreams } from '../bounded-cache.js';
import type { ErrorCode } from '../errors.js';
import { type Ending, mayFollowEnd, type StoredEvent } from '../events/event.js';
import type { StreamStatus } from '../store/append-rules.js';
import type { StoreObserver } from '../store/observed-store.js';
import {
  type Appended,
  isLeasingStore,
  type StreamId,
  type StreamManager,
  streamKey,
} from '../store/stream-manager.js';
import { durationBuckets, type Instruments, waitBuckets } from './instruments.js';
import type { TimeHistogram } from './time-histogram.js';

/** The state of an open stream. Times are milliseconds of `performance.now()`. */
interface Run {
  /** Null when the run began at another node, or has answered. */
  begunAt: number | null;
  appendedAt: number;
}

/** In seconds: from the gap between two tokens to that of a slow tool call. */
const gapBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** How long a stream without appends is remembered. */
const quietMs = 300_000;

/** The metrics of appends, and of the agent runs that they show on this node. */
export class AppendMetrics implements StoreObserver {
  readonly #duration: TimeHistogram;
  readonly #firstAnswer: TimeHistogram;
  readonly #gap: TimeHistogram;
  readonly #runs = new BoundedCache<Run>(maxRememberedStreams, quietMs);
  readonly #ended: Record<Ending | 'deleted', number> = {
    complete: 0,
    stopped: 0,
    failed: 0,
    deleted: 0,
  };
  #events = 0;
  #inputs = 0;
  #bytes = 0;

  /** @param backend name of the store, as a label */
  constructor(instruments: Instruments, streams: StreamManager, backend: string) {
    this.#duration = instruments.seconds({
      name: 'rejoin_append_duration_seconds',
      help: 'How long the store took for an append, by outcome: stored, or the code of the error.',
      buckets: durationBuckets,
      labels: { backend },
      by: { label: 'outcome', value: 'stored' },
    });
    instruments.total('rejoin_events_appended_total', 'Events stored.', () => this.#events);
    instruments.total(
      'rejoin_bytes_appended_total',
      'Bytes of the events stored.',
      () => this.#bytes,
    );
    instruments.total('rejoin_inputs_stored_total', 'Inputs stored.', () => this.#inputs);
    this.#firstAnswer = instruments.seconds({
      name: 'rejoin_first_answer_seconds',
      help: 'From the first append of a stream to its first answer event.',
      buckets: waitBuckets,
    });
    this.#gap = instruments.seconds({
      name: 'rejoin_append_gap_seconds',
      help: 'From one append to the next of the same open stream.',
      buckets: gapBuckets,
    });
    instruments.totals(
      'rejoin_streams_ended_total',
      'Streams that ended on this node: by their terminal event, an expired lease, or deletion.',
      ['status'],
      () => {
        const expired = isLeasingStore(streams) ? streams.expiredLeases : 0;
        const counts = Object.entries({ ...this.#ended, producer_lost: expired });
        return counts.map(([status, count]) => [{ status }, count] as const);
      },
    );
  }

  appended(
    stream: StreamId,
    events: readonly StoredEvent[],
    { offset }: Appended,
    tookMs: number,
  ): void {
    this.#duration.observe(tookMs / 1000, 'stored');
    this.#events += events.length;
    for (const { bytes } of events) this.#bytes += bytes.length;
    if (events.length > 0) this.#continueRun(streamKey(stream), events, offset);
  }

  appendFailed(code: ErrorCode, tookMs: number): void {
    this.#duration.observe(tookMs / 1000, code);
  }

  inputsStored(count: number): void {
    this.#inputs += count;
  }

  deleted(stream: StreamId, status: StreamStatus | null): void {
    this.#runs.delete(streamKey(stream));
    if (status === 'open') this.#ended.deleted += 1;
  }

  #continueRun(key: string, events: readonly StoredEvent[], offset: number): void {
    const now = performance.now();
    const known = offset === 0 ? undefined : this.#runs.get(key);
    const isLate = known === undefined && offset > 0 && events.every(mayFollowEnd);
    if (isLate) return;
    if (known !== undefined) this.#gap.observe((now - known.appendedAt) / 1000);
    const run = known ?? { begunAt: offset === 0 ? now : null, appendedAt: now };
    run.appendedAt = now;
    if (run.begunAt !== null && events.some(({ type }) => type === 'answer')) {
      this.#firstAnswer.observe((now - run.begunAt) / 1000);
      run.begunAt = null;
    }
    const ending = endingOf(events);
    if (ending === null) {
      this.#runs.set(key, run);
      return;
    }
    this.#ended[ending] += 1;
    this.#runs.delete(key);
  }
}

/** How the events end their stream. Only titles may follow the terminal one. */
function endingOf(events: readonly StoredEvent[]): Ending | null {
  return events.findLast(isNoLateTitle)?.ending ?? null;
}

function isNoLateTitle(event: StoredEvent): boolean {
  return event.ending !== null || !mayFollowEnd(event);
}
