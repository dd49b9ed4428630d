import type { Registry } from 'prom-client';
import { type ErrorCode, ServiceError } from '../errors.js';
import type { StoredEvent } from '../events/stored-event.js';
import type { StreamId } from '../store/stream-id.js';
import type { Appended, StreamManager } from '../store/stream-manager.js';
import { countTotal, durationBuckets } from './instruments.js';
import { TimeHistogram } from './time-histogram.js';

export type Appender = Pick<StreamManager, 'appendEvents'>;

/** Told of events that were stored, without those that were stored before, and where they begin. */
export type OnStored = (
  stream: StreamId,
  events: readonly StoredEvent[],
  appended: Appended,
) => void;

type Outcome = 'stored' | ErrorCode;

/** What appends do, as numbers. */
export class AppendMetrics {
  readonly #duration: TimeHistogram;
  #events = 0;
  #bytes = 0;

  /** @param backend a word for the store */
  constructor(registry: Registry, backend: string) {
    this.#duration = new TimeHistogram({
      registry,
      name: 'rejoin_append_duration_seconds',
      help: 'How long the store took for an append, by outcome: stored, or the code of the error.',
      buckets: durationBuckets,
      labels: { backend },
      by: { label: 'outcome', values: ['stored'] },
    });
    const events = { name: 'rejoin_events_appended_total', help: 'Events stored.' };
    const bytes = { name: 'rejoin_bytes_appended_total', help: 'Bytes of the events stored.' };
    countTotal({ registry, ...events }, () => this.#events);
    countTotal({ registry, ...bytes }, () => this.#bytes);
  }

  /** Appends as the store does, and keeps count. */
  observe(streams: Appender, onStored: OnStored): Appender {
    return {
      appendEvents: async (stream, events, options) => {
        const startedAt = performance.now();
        try {
          const appended = await streams.appendEvents(stream, events, options);
          this.#note('stored', startedAt);
          if (appended.count > 0) {
            const stored = withoutRepeated(events, appended);
            this.#count(stored);
            onStored(stream, stored, appended);
          }
          return appended;
        } catch (error) {
          this.#note(error instanceof ServiceError ? error.code : 'internal', startedAt);
          throw error;
        }
      },
    };
  }

  #count(stored: readonly StoredEvent[]): void {
    this.#events += stored.length;
    for (const { bytes } of stored) this.#bytes += bytes.length;
  }

  #note(outcome: Outcome, startedAt: number): void {
    this.#duration.observe((performance.now() - startedAt) / 1000, outcome);
  }
}

function withoutRepeated(events: readonly StoredEvent[], { count }: Appended) {
  return count === events.length ? events : events.slice(events.length - count);
}
