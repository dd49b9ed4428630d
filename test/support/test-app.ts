import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { buildApp, type RequestTimeouts } from '../../src/app.js';
import type { Config } from '../../src/config/config.js';
import type { FeedOptions } from '../../src/feed/feed-hub.js';
import type { StreamManagerType } from '../../src/store/create-stream-manager.js';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { silentLogger } from './backends.js';

export interface TestApp {
  readonly app: FastifyInstance;
  /** `http://127.0.0.1:port` */
  readonly url: string;
  close(): Promise<void>;
}

export interface TestAppOptions {
  readonly logger?: Logger;
  readonly server?: Partial<Config['server']>;
  readonly feed?: Partial<FeedOptions>;
  readonly limits?: Partial<Omit<Config['limits'], 'rates'>>;
  readonly rates?: Partial<Config['limits']['rates']>;
  readonly auth?: Partial<Config['auth']>;
  readonly cors?: Partial<Config['cors']>;
  readonly timeouts?: Partial<RequestTimeouts>;
  readonly inspector?: Config['inspector'];
  readonly docs?: Config['docs'];
  readonly streamManager?: { readonly type?: StreamManagerType; readonly maxTtlMs?: number };
}

const noRates = { appendsPerKey: 0, appendsPerAddress: 0, feedsPerKey: 0, feedsPerAddress: 0 };

/** The app over a stream manager, not listening. */
export function buildTestApp(
  streams: StreamManager,
  options: TestAppOptions = {},
): Promise<FastifyInstance> {
  return buildApp({
    logger: options.logger ?? silentLogger,
    streams,
    ...(options.timeouts && { timeouts: options.timeouts }),
    version: '1.2.3',
    config: {
      server: {
        host: '127.0.0.1',
        allowedHosts: ['x'], // that of the raw requests in tests
        trustProxy: [],
        maxConnections: 30_000,
        ...options.server,
      },
      streamManager: { type: 'memory', maxTtlMs: 7 * 24 * 3_600_000, ...options.streamManager },
      feed: {
        pollIntervalMs: 1000,
        heartbeatMs: 15_000,
        lingerMs: 300,
        waitMs: 60_000,
        maxAgeMs: 600_000,
        maxFeeds: 20_000,
        maxFeedsPerStream: 10_000,
        ...options.feed,
      },
      limits: {
        eventBytes: 1024 ** 2,
        bodyBytes: 8 * 1024 ** 2,
        bodiesInFlight: 256 * 1024 ** 2,
        streamEvents: 100_000,
        streamBytes: 64 * 1024 ** 2,
        streamInputs: 1000,
        streamInputBytes: 4 * 1024 ** 2,
        sessionStreams: 10_000,
        ...options.limits,
        rates: { ...noRates, ...options.rates },
      },
      auth: { isDisabled: false, apiKeys: [], reader: null, ...options.auth },
      cors: { origins: [], headers: [], ...options.cors },
      inspector: options.inspector ?? { isEnabled: true },
      docs: options.docs ?? { isEnabled: true },
    },
  });
}

/** The app over a stream manager, really listening on a free port. The manager stays open. */
export async function startApp(
  streams: StreamManager,
  options: TestAppOptions = {},
): Promise<TestApp> {
  const app = await buildTestApp(streams, options);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { app, url, close: () => app.close() };
}

/** How many connections it has on which a request is being served. */
export function busyConnections({ app }: TestApp): Promise<number> {
  app.server.closeIdleConnections();
  return new Promise((resolve, reject) => {
    app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
