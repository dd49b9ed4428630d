import { Histogram, type Registry } from 'prom-client';
import { type ErrorCode, ServiceError } from '../errors.js';
import type { StoredEvent } from '../streams/stream-event.js';
import type { StreamManager } from '../streams/stream-manager.js';
import { countTotal, durationBuckets } from './instruments.js';

export type Appender = Pick<StreamManager, 'appendEvents'>;

type Outcome = 'stored' | ErrorCode;

/** What appends do, as numbers. */
export class AppendMetrics {
  readonly #duration: Histogram<'backend' | 'outcome'>;
  readonly #byOutcome = new Map<Outcome, Histogram.Internal<'backend' | 'outcome'>>();
  #events = 0;
  #bytes = 0;

  /** @param backend a word for the store */
  constructor(
    readonly registry: Registry,
    readonly backend: string,
  ) {
    this.#duration = new Histogram({
      name: 'rejoin_append_duration_seconds',
      help: 'How long the store took for an append, by outcome: stored, or the code of the error.',
      labelNames: ['backend', 'outcome'],
      buckets: durationBuckets,
      registers: [registry],
    });
    this.#duration.zero({ backend, outcome: 'stored' });
    const events = { name: 'rejoin_events_appended_total', help: 'Events stored.' };
    const bytes = { name: 'rejoin_bytes_appended_total', help: 'Bytes of the events stored.' };
    countTotal({ registry, ...events }, () => this.#events);
    countTotal({ registry, ...bytes }, () => this.#bytes);
  }

  /** Appends as the store does, and keeps count. */
  observe(streams: Appender): Appender {
    return {
      appendEvents: async (...call) => {
        const startedAt = performance.now();
        try {
          const appended = await streams.appendEvents(...call);
          this.#note('stored', startedAt);
          this.#count(call[1].slice(call[1].length - appended.count));
          return appended;
        } catch (error) {
          this.#note(error instanceof ServiceError ? error.code : 'internal', startedAt);
          throw error;
        }
      },
    };
  }

  /** @param stored without those that were stored before */
  #count(stored: readonly StoredEvent[]): void {
    this.#events += stored.length;
    for (const { bytes } of stored) this.#bytes += bytes.length;
  }

  #note(outcome: Outcome, startedAt: number): void {
    this.#timesOf(outcome).observe((performance.now() - startedAt) / 1000);
  }

  /** Looking labels up costs more than all the rest of an observation. */
  #timesOf(outcome: Outcome): Histogram.Internal<'backend' | 'outcome'> {
    const known = this.#byOutcome.get(outcome);
    if (known !== undefined) return known;
    const times = this.#duration.labels({ backend: this.backend, outcome });
    this.#byOutcome.set(outcome, times);
    return times;
  }
}
