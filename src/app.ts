import { fastifySSE } from '@fastify/sse';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import type { Logger } from 'pino';
import { defaultTokenCookie } from './auth/reader-tokens.js';
import { TokenVerifier } from './auth/token-verifier.js';
import type { Config } from './config/config.js';
import { FeedHub, type FeedOptions } from './feed/feed-hub.js';
import { BodyBudget } from './http/body/body-budget.js';
import { acceptBodies } from './http/body/json-body.js';
import { requireAccess } from './http/hooks/authorize.js';
import { Origins, setCorsHeaders } from './http/hooks/cross-origin.js';
import { limitRates } from './http/hooks/rate-limits.js';
import { HostRule } from './http/hooks/request-headers.js';
import { checkRequests, securityHeaders } from './http/hooks/request-security.js';
import { reject, useProblems } from './http/problems/error-handler.js';
import { appendEventsRoute } from './http/routes/append-events.js';
import { deleteRoutes } from './http/routes/delete-stream.js';
import { followRoutes } from './http/routes/follow-stream.js';
import { healthRoutes } from './http/routes/health.js';
import { metricsRoute } from './http/routes/metrics.js';
import { readEventsRoute, readInputsRoute } from './http/routes/read-events.js';
import { renewLeaseRoute } from './http/routes/renew-lease.js';
import { type App, compileSchema } from './http/routes/request-schemas.js';
import { resumeChatRoute } from './http/routes/resume-chat.js';
import { rootRoute } from './http/routes/root.js';
import { sendInputsRoute } from './http/routes/send-inputs.js';
import { stopStreamRoute } from './http/routes/stop-stream.js';
import { getStatusRoute, listStreamsRoute } from './http/routes/stream-status.js';
import { AppendFastPath } from './http/server/append-fast-path.js';
import { Draining } from './http/server/draining.js';
import { Connections, createHttpServer } from './http/server/http-server.js';
import { inspectorRoutes } from './inspector/inspector-page.js';
import { Metrics } from './metrics/metrics.js';
import { docsRoutes } from './openapi/docs-page.js';
import { collectRoutes } from './openapi/document.js';
import { ObservedStore } from './store/observed-store.js';
import type { StreamManager } from './store/stream-manager.js';

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Reports on `/readyz` that the node is leaving, serves everything for `delayMs` more, then opens
     * no more feeds and ends the open ones, spread over some seconds. `close` must follow.
     */
    drain(delayMs: number): Promise<void>;
  }
}

export interface AppOptions {
  readonly config: Pick<Config, 'auth' | 'cors' | 'docs' | 'inspector' | 'limits'> & {
    readonly server: Pick<
      Config['server'],
      'host' | 'allowedHosts' | 'trustProxy' | 'maxConnections'
    >;
    readonly feed: FeedOptions;
    readonly streamManager: Pick<Config['streamManager'], 'type' | 'maxTtlMs'>;
  };
  readonly logger: Logger;
  readonly streams: StreamManager;
  readonly timeouts?: Partial<RequestTimeouts>;
  /** Version of the service. */
  readonly version: string;
}

const defaultTimeouts = {
  /** How long a JSON body may take to arrive. */
  bodyMs: 30_000,
  /** After how long a body that is still arriving may be given up to make room for others. */
  yieldAfterMs: 5000,
  /** How long an NDJSON body may be silent. */
  silenceMs: 300_000,
  /** After how long without progress a response is abandoned. */
  stallMs: 30_000,
};

export type RequestTimeouts = typeof defaultTimeouts;

/** How long requests in flight may still take when the service stops. */
const requestGraceMs = 3000;

/** Long enough for any id to reach our own check, which says what is wrong with it. */
const maxParamLength = 16 * 1024;

/** All routes over one stream manager. Closing the app ends the feeds; the manager is the caller's. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { config, logger, version } = options;
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const origins = new Origins(config.cors.origins);
  const { host, allowedHosts, trustProxy, maxConnections } = config.server;
  const { apiKeys: keys, reader } = config.auth;
  const [hasInspector, hasDocs] = [config.inspector.isEnabled, config.docs.isEnabled];
  const hosts = new HostRule(host, allowedHosts, keys.length > 0);
  const { type: backend, maxTtlMs } = config.streamManager;
  const metrics = new Metrics({ version, streams: options.streams, backend });
  const streams = new ObservedStore(options.streams, metrics.appends);
  const { onRejected } = metrics;
  const connections = new Connections(timeouts.stallMs, onRejected);
  const maxEventBytes = config.limits.eventBytes;
  const limits = { maxEventBytes };
  const maxBodyBytes = config.limits.bodyBytes;
  const budget = new BodyBudget(config.limits.bodiesInFlight, timeouts.yieldAfterMs);
  const appendFastPath = new AppendFastPath({
    streams,
    limits,
    maxTtlMs,
    maxBodyBytes,
    budget,
    keys,
    hosts,
    origins,
    countsForwarded: trustProxy.length > 0 && config.limits.rates.appendsPerAddress > 0,
    log: logger,
  });
  const app: App = fastify({
    loggerInstance: logger satisfies FastifyBaseLogger as FastifyBaseLogger,
    // Fastify's log line for a request has its URL, which may hold a token.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustProxy.length > 0 && [...trustProxy],
    serverFactory: (handle) =>
      createHttpServer(handle, appendFastPath, connections, maxConnections),
    routerOptions: { maxParamLength },
    return503OnClosing: false, // an EventSource would give up for good
    frameworkErrors: (error, request, reply) => {
      setCorsHeaders(request, reply.headers(securityHeaders), origins); // no hook has run
      void reject(error, request, reply);
    },
    clientErrorHandler: (error, socket) => connections.reject(error, socket),
  });
  const feeds = new FeedHub(streams, config.feed, logger, metrics.feeds);
  const draining = new Draining(feeds);
  metrics.feeds.watch(() => feeds.counts);
  metrics.countDropped(app.server);
  app.setValidatorCompiler(compileSchema);
  app.setSerializerCompiler(() => JSON.stringify); // the schemas of responses are for the document
  useProblems(app, onRejected);
  checkRequests(app, {
    trustsProxies: trustProxy.length > 0,
    hosts,
    origins,
    corsHeaders: config.cors.headers,
  });
  const verifier = reader === null ? null : new TokenVerifier(reader, logger);
  requireAccess(app, { keys, verifier, origins });
  const rates = await limitRates(app, config.limits.rates);
  appendFastPath.rateLimit = rates.appends;
  acceptBodies(app, { budget, maxBytes: maxBodyBytes, timeoutMs: timeouts.bodyMs });
  await app.register(fastifySSE, { heartbeatInterval: 0 });
  if (hasDocs) {
    await collectRoutes(app, version, reader?.cookie ?? defaultTokenCookie);
  }
  appendEventsRoute(app, {
    streams,
    limits,
    maxTtlMs,
    takeError: (request) => appendFastPath.takeError(request),
    rateLimit: rates.appends,
    pollIntervalMs: config.feed.pollIntervalMs,
    silenceMs: timeouts.silenceMs,
    draining: draining.leaving,
  });
  stopStreamRoute(app, streams, rates.appends);
  renewLeaseRoute(app, streams);
  sendInputsRoute(app, { streams, limits, rateLimit: rates.appends });
  const readOptions = {
    streams,
    maxEventBytes,
    pollIntervalMs: config.feed.pollIntervalMs,
    draining: draining.leaving,
  };
  readEventsRoute(app, readOptions);
  readInputsRoute(app, readOptions);
  listStreamsRoute(app, streams);
  deleteRoutes(app, streams);
  followRoutes(app, { feeds, rateLimit: rates.feeds, maxEventBytes });
  resumeChatRoute(app, streams, feeds, rates.feeds, maxEventBytes);
  getStatusRoute(app, streams);
  healthRoutes(app, streams, draining);
  metricsRoute(app, metrics);
  rootRoute(app, version, hasInspector, hasDocs);
  if (hasDocs) docsRoutes(app, hasInspector);
  if (hasInspector) inspectorRoutes(app, hasDocs);
  app.decorate('drain', (delayMs: number) => draining.run(delayMs));
  app.addHook('preClose', async () => {
    appendFastPath.stop(); // their responses do not say that the connection closes
    try {
      await draining.finish();
    } finally {
      connections.stop(requestGraceMs);
    }
  });
  return app;
}
