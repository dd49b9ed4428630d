import { Counter, type Histogram, type Registry } from 'prom-client';
import { BoundedCache, maxRememberedStreams } from '../bounded-cache.js';
import { type Ending, mayFollowEnd, type StoredEvent } from '../events/event.js';
import type { StreamStatus } from '../store/append-rules.js';
import {
  type Appended,
  isLeasingStore,
  type StreamId,
  type StreamManager,
  streamKey,
} from '../store/stream-manager.js';
import { measure, waitBuckets } from './instruments.js';

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

/** The metrics of agent runs, derived from the appends on this node. */
export class AgentMetrics {
  readonly #firstAnswer: Histogram;
  readonly #gap: Histogram;
  readonly #runs = new BoundedCache<Run>(maxRememberedStreams, quietMs);
  readonly #ended: Record<Ending | 'deleted', number> = {
    complete: 0,
    stopped: 0,
    failed: 0,
    deleted: 0,
  };

  constructor(
    readonly registry: Registry,
    streams: StreamManager,
  ) {
    this.#firstAnswer = measure(
      {
        registry,
        name: 'rejoin_first_answer_seconds',
        help: 'From the first append of a stream to its first answer event.',
      },
      waitBuckets,
    );
    this.#gap = measure(
      {
        registry,
        name: 'rejoin_append_gap_seconds',
        help: 'From one append to the next of the same open stream.',
      },
      gapBuckets,
    );
    this.#countEnds(streams);
  }

  /** @param events the events that were stored now: at least one */
  appended(stream: StreamId, events: readonly StoredEvent[], { offset }: Appended): void {
    const key = streamKey(stream);
    const now = performance.now();
    const known = offset === 0 ? undefined : this.#runs.get(key);
    if (known === undefined && offset > 0 && isLate(events)) return;
    if (known !== undefined) this.#gap.observe((now - known.appendedAt) / 1000);
    const run = known ?? { begunAt: offset === 0 ? now : null, appendedAt: now };
    run.appendedAt = now;
    if (run.begunAt !== null) this.#lookForAnswer(run, run.begunAt, events);
    const ending = endingOf(events);
    if (ending === null) {
      this.#runs.set(key, run);
      return;
    }
    this.#ended[ending] += 1;
    this.#runs.delete(key);
  }

  deleted(stream: StreamId, status: StreamStatus | null): void {
    this.#runs.delete(streamKey(stream));
    if (status === 'open') this.#ended.deleted += 1;
  }

  #lookForAnswer(run: Run, begunAt: number, events: readonly StoredEvent[]): void {
    if (!events.some(({ type }) => type === 'answer')) return;
    this.#firstAnswer.observe((run.appendedAt - begunAt) / 1000);
    run.begunAt = null;
  }

  #countEnds(streams: StreamManager): void {
    const ended = this.#ended;
    new Counter({
      name: 'rejoin_streams_ended_total',
      help: 'Streams that ended on this node: by their terminal event, an expired lease, or deletion.',
      labelNames: ['status'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [status, count] of Object.entries(ended)) this.inc({ status }, count);
        const expired = isLeasingStore(streams) ? streams.expiredLeases : 0;
        this.inc({ status: 'producer_lost' }, expired);
      },
    });
  }
}

/** Whether the events follow the end of their stream, as a title may. */
function isLate(events: readonly StoredEvent[]): boolean {
  return events.every(mayFollowEnd);
}

/** How the events end their stream. Only titles may follow the terminal one. */
function endingOf(events: readonly StoredEvent[]): Ending | null {
  for (let index = events.length - 1; index >= 0; index -= 1) {
    const event = events[index] as StoredEvent;
    if (event.ending !== null || !mayFollowEnd(event)) return event.ending;
  }
  return null;
}
