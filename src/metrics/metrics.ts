import type { Server } from 'node:net';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { ErrorCode } from '../errors.js';
import type { StoredEvent } from '../events/event.js';
import type { StreamStatus } from '../store/append-rules.js';
import type { StoreObserver } from '../store/observed-store.js';
import {
  type Appended,
  isConnectedStore,
  type StreamId,
  type StreamManager,
} from '../store/stream-manager.js';
import { AgentMetrics } from './agent-metrics.js';
import { AppendMetrics } from './append-metrics.js';
import { FeedMetrics } from './feed-metrics.js';
import { countTotal } from './instruments.js';

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
export class Metrics implements StoreObserver {
  readonly appends: AppendMetrics;
  readonly agents: AgentMetrics;
  readonly feeds: FeedMetrics;
  readonly #registry = new Registry();
  readonly #rejected: Counter<'code' | 'route'>;

  constructor({ version, streams, backend }: MetricsOptions) {
    collectDefaultMetrics({ register: this.#registry });
    for (const name of costlyDefaults) this.#registry.removeSingleMetric(name);
    this.appends = new AppendMetrics(this.#registry, backend);
    this.agents = new AgentMetrics(this.#registry, streams);
    this.feeds = new FeedMetrics(this.#registry);
    this.#rejected = new Counter({
      name: 'rejoin_requests_rejected_total',
      help: 'Requests that got a problem as their response, by its code and the route.',
      labelNames: ['code', 'route'],
      registers: [this.#registry],
    });
    this.#showBuild(version, backend);
    this.#showConnections(streams);
  }

  /** Counts a response with a problem. @param route one of a short list */
  readonly onRejected = (code: ErrorCode, route: string): void => {
    this.#rejected.inc({ code, route });
  };

  appended(
    stream: StreamId,
    events: readonly StoredEvent[],
    appended: Appended,
    tookMs: number,
  ): void {
    this.appends.appended(events, tookMs);
    if (events.length > 0) this.agents.appended(stream, events, appended);
  }

  appendFailed(code: ErrorCode, tookMs: number): void {
    this.appends.failed(code, tookMs);
  }

  deleted(stream: StreamId, status: StreamStatus | null): void {
    this.agents.deleted(stream, status);
  }

  /** Counts the connections that the server drops over its limit. */
  countDropped(server: Server): void {
    let dropped = 0;
    server.on('drop', () => {
      dropped += 1;
    });
    const name = 'rejoin_connections_dropped_total';
    const help = 'Connections closed as they came, over server.max_connections.';
    countTotal({ registry: this.#registry, name, help }, () => dropped);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #showBuild(version: string, backend: string): void {
    const build = new Gauge({
      name: 'rejoin_build_info',
      help: 'Always 1; the labels have the version and the backend.',
      labelNames: ['version', 'backend'],
      registers: [this.#registry],
    });
    build.set({ version, backend }, 1);
  }

  #showConnections(streams: StreamManager): void {
    if (!isConnectedStore(streams)) return;
    new Gauge({
      name: 'rejoin_redis_up',
      help: 'Whether the connection to Redis for this use is up.',
      labelNames: ['use'],
      registers: [this.#registry],
      collect() {
        for (const [use, isUp] of Object.entries(streams.connections)) {
          this.set({ use }, isUp ? 1 : 0);
        }
      },
    });
  }
}
