import { fastifySSE } from '@fastify/sse';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Config } from './config.js';
import { type FeedOptions, Feeds } from './feed/feeds.js';
import { requireAccess } from './http/access.js';
import { appendEventsRoute } from './http/append-events.js';
import { answerClientError } from './http/client-errors.js';
import { Connections } from './http/connections.js';
import { allowOrigins, setCorsHeaders } from './http/cors.js';
import { deleteRoutes } from './http/delete-stream.js';
import { Draining } from './http/draining.js';
import { followStreamRoute } from './http/follow-stream.js';
import { getStatusRoute } from './http/get-status.js';
import { healthRoutes } from './http/health.js';
import { acceptJsonBodies } from './http/json-body.js';
import { listStreamsRoute } from './http/list-streams.js';
import { refuseOtherMethods } from './http/method-not-allowed.js';
import { metricsRoute } from './http/metrics.js';
import { sendProblem, useProblems } from './http/problem.js';
import { readEventsRoute } from './http/read-events.js';
import { renewLeaseRoute } from './http/renew-lease.js';
import { stopStreamRoute } from './http/stop-stream.js';
import { inspectorRoutes } from './inspector/inspector-page.js';
import { Metrics } from './metrics/metrics.js';
import { docsRoutes } from './openapi/docs-page.js';
import { collectRoutes } from './openapi/document.js';
import type { StreamManager } from './streams/stream-manager.js';

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Says on `/readyz` that the node leaves, serves everything for `delayMs` more, then opens no
     * more feeds and ends those there are, spread over some seconds. `close` has to follow.
     */
    drain(delayMs: number): Promise<void>;
  }
}

export interface AppOptions {
  readonly config: Pick<Config, 'auth' | 'cors' | 'docs' | 'inspector' | 'limits'> & {
    readonly feed: FeedOptions;
    readonly streamManager: Pick<Config['streamManager'], 'type'>;
  };
  readonly logger: Logger;
  readonly streams: StreamManager;
  readonly timeouts?: RequestTimeouts;
  /** Of the service. */
  readonly version: string;
}

export interface RequestTimeouts {
  /** How long a JSON body may take to arrive. */
  readonly bodyMs: number;
  /** How long an NDJSON body may bring nothing. */
  readonly silenceMs: number;
}

const defaultTimeouts: RequestTimeouts = { bodyMs: 30_000, silenceMs: 300_000 };

/** How long a feed's socket may take its last bytes when the service stops. */
const feedGraceMs = 3000;

/** How long it takes to end many feeds when the service is drained. */
const feedSpreadMs = 3000;

/** How long requests in flight may take when the service stops. */
const requestGraceMs = 3000;

/** How long the head of a request may take to arrive. */
const headersTimeout = 10_000;

/** How often Node looks for requests that take too long. */
const connectionsCheckingInterval = 2000;

/** A peer that has been silent for so long is probed by TCP; without an answer, it is gone in 10 s. */
const keepAliveInitialDelay = 60_000;

/** Long enough for any id to reach our own check, which says what is wrong with it. */
const maxParamLength = 16 * 1024;

/** All routes over one stream manager. Closing the app ends the feeds; the manager is the caller's. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { config, logger, streams, version, timeouts = defaultTimeouts } = options;
  const { origins } = config.cors;
  const app = fastify({
    loggerInstance: logger satisfies FastifyBaseLogger as FastifyBaseLogger,
    // A request's log line holds its URL, and that may hold a token.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.limits.bodyBytes,
    requestTimeout: 0, // an NDJSON request may stay open for a whole run
    http: { headersTimeout, connectionsCheckingInterval, keepAlive: true, keepAliveInitialDelay },
    routerOptions: { maxParamLength },
    return503OnClosing: false, // an EventSource would give up for good
    frameworkErrors: (error, request, reply) =>
      void sendProblem(error, request, setCorsHeaders(request, reply, origins)),
    clientErrorHandler: answerClientError,
  });
  const metrics = new Metrics({ version, streams, backend: config.streamManager.type });
  const feeds = new Feeds(streams, config.feed, logger, metrics.feeds);
  const draining = new Draining(feeds, { spreadMs: feedSpreadMs, graceMs: feedGraceMs });
  const connections = new Connections(app.server);

  metrics.feeds.watch(() => feeds.counts);
  app.setValidatorCompiler(validatorCompiler);
  useProblems(app);
  await allowOrigins(app, origins); // first, since a preflight brings no key
  requireAccess(app, config.auth.producerKeys);
  acceptJsonBodies(app, timeouts.bodyMs);
  await app.register(fastifySSE, { heartbeatInterval: 0 });
  if (config.docs.isEnabled) await collectRoutes(app, version);
  refuseOtherMethods(app, () => {
    appendEventsRoute(app, {
      streams,
      appends: metrics.appends.observe(streams),
      limits: { maxEventBytes: config.limits.eventBytes },
      pollIntervalMs: config.feed.pollIntervalMs,
      silenceMs: timeouts.silenceMs,
      draining: draining.leaving,
    });
    stopStreamRoute(app, streams);
    renewLeaseRoute(app, streams);
    readEventsRoute(app, {
      streams,
      pollIntervalMs: config.feed.pollIntervalMs,
      draining: draining.leaving,
    });
    listStreamsRoute(app, streams);
    deleteRoutes(app, streams);
    followStreamRoute(app, feeds);
    getStatusRoute(app, streams);
    healthRoutes(app, streams, draining);
    metricsRoute(app, metrics);
    if (config.docs.isEnabled) docsRoutes(app);
    if (config.inspector.isEnabled) inspectorRoutes(app);
  });
  app.decorate('drain', (delayMs: number) => draining.run(delayMs));
  app.addHook('preClose', async () => {
    try {
      await draining.finish();
    } finally {
      connections.stop(requestGraceMs);
    }
  });
  return app;
}
