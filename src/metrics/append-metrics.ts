import { Histogram, type Registry } from 'prom-client';
import type { ErrorCode } from '../errors.js';
import type { StoredEvent } from '../events/event.js';
import { countTotal, durationBuckets } from './instruments.js';

/** The metrics of appends. */
export class AppendMetrics {
  readonly #duration: Histogram<'backend' | 'outcome'>;
  readonly #stored: Histogram.Internal<'backend' | 'outcome'>;
  #events = 0;
  #bytes = 0;

  /** @param backend name of the store, as a label */
  constructor(
    registry: Registry,
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
    this.#stored = this.#duration.labels(backend, 'stored');
    const events = { name: 'rejoin_events_appended_total', help: 'Events stored.' };
    const bytes = { name: 'rejoin_bytes_appended_total', help: 'Bytes of the events stored.' };
    countTotal({ registry, ...events }, () => this.#events);
    countTotal({ registry, ...bytes }, () => this.#bytes);
  }

  /** @param events the events that were stored now */
  appended(events: readonly StoredEvent[], tookMs: number): void {
    this.#stored.observe(tookMs / 1000);
    this.#events += events.length;
    for (const { bytes } of events) this.#bytes += bytes.length;
  }

  failed(code: ErrorCode, tookMs: number): void {
    this.#duration.observe({ backend: this.backend, outcome: code }, tookMs / 1000);
  }
}
