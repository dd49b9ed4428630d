import type { Server } from 'node:net';
import { Counter, collectDefaultMetrics } from 'prom-client';
import type { ErrorCode } from '../errors.js';
import { isConnectedStore, type StreamManager } from '../store/stream-manager.js';
import { AppendMetrics } from './append-metrics.js';
import { FeedMetrics } from './feed-metrics.js';
import { Instruments } from './instruments.js';

export interface MetricsOptions {
  /** Version of the service. */
  readonly version: string;
  readonly streams: StreamManager;
  /** Name of the store, as a label. */
  readonly backend: string;
}

/** Each lists all sockets of the process at every scrape, and says little more than `rejoin_feeds_open`. */
const costlyDefaults = ['handles', 'requests', 'resources'].flatMap((kind) => [
  `nodejs_active_${kind}`,
  `nodejs_active_${kind}_total`,
]);

/**
 * The Prometheus metrics of one app. Labels have values from short lists only: never an id, an event
 * type or anything else that a client chooses.
 */
export class Metrics {
  readonly appends: AppendMetrics;
  readonly feeds: FeedMetrics;
  readonly #instruments = new Instruments();
  readonly #registry = this.#instruments.registry;
  readonly #rejected = new Counter({
    name: 'rejoin_requests_rejected_total',
    help: 'Requests that got a problem as their response, by its code and the route.',
    labelNames: ['code', 'route'],
    registers: [this.#registry],
  });

  constructor({ version, streams, backend }: MetricsOptions) {
    collectDefaultMetrics({ register: this.#registry });
    for (const name of costlyDefaults) this.#registry.removeSingleMetric(name);
    this.appends = new AppendMetrics(this.#instruments, streams, backend);
    this.feeds = new FeedMetrics(this.#instruments);
    this.#instruments.levels(
      'rejoin_build_info',
      'Always 1; the labels have the version and the backend.',
      ['version', 'backend'],
      () => [[{ version, backend }, 1]],
    );
    if (!isConnectedStore(streams)) return;
    this.#instruments.levels(
      'rejoin_redis_up',
      'Whether the connection to Redis for this use is up.',
      ['use'],
      () => Object.entries(streams.connections).map(([use, isUp]) => [{ use }, isUp ? 1 : 0]),
    );
  }

  /** Counts a response with a problem. @param route one of a short list */
  readonly onRejected = (code: ErrorCode, route: string): void => {
    this.#rejected.inc({ code, route });
  };

  /** Counts the connections that the server drops over its limit. */
  countDropped(server: Server): void {
    let dropped = 0;
    server.on('drop', () => {
      dropped += 1;
    });
    const help = 'Connections closed as they came, over server.max_connections.';
    this.#instruments.total('rejoin_connections_dropped_total', help, () => dropped);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
