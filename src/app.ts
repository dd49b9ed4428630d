import { fastifySSE } from '@fastify/sse';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import type { Logger } from 'pino';
import { usualTokenCookie } from './access/reader-token.js';
import { TokenVerifier } from './access/token-verifier.js';
import type { Config } from './config.js';
import { type FeedOptions, Feeds } from './feed/feeds.js';
import { requireAccess } from './http/access.js';
import { resumeChatRoute } from './http/ai-sdk/resume-chat.js';
import { appendEventsRoute } from './http/append-events.js';
import { BodyBudget } from './http/body-budget.js';
import { allowOrigins, setCorsHeaders } from './http/cors.js';
import { refuseOtherSites } from './http/cross-site.js';
import { deleteRoutes } from './http/delete-stream.js';
import { Draining } from './http/draining.js';
import { followStreamRoute } from './http/follow-stream.js';
import { readForwardedFor } from './http/forwarded-for.js';
import { getStatusRoute } from './http/get-status.js';
import { healthRoutes } from './http/health.js';
import { acceptBodies } from './http/json-body.js';
import { listStreamsRoute } from './http/list-streams.js';
import { refuseOtherMethods } from './http/method-not-allowed.js';
import { metricsRoute } from './http/metrics.js';
import { Origins } from './http/origins.js';
import { limitRates, limitsAppends } from './http/rate-limits.js';
import { readEventsRoute } from './http/read-events.js';
import { refuse, useProblems } from './http/refuse.js';
import { renewLeaseRoute } from './http/renew-lease.js';
import { compileSchema } from './http/request-schemas.js';
import { HostRule, requireHost } from './http/require-host.js';
import { setSecurityHeaders, withSecurityHeaders } from './http/security-headers.js';
import { Connections } from './http/server/connections.js';
import { createHttpServer } from './http/server/http-server.js';
import { OrdinaryAppends } from './http/server/ordinary-appends.js';
import { stopStreamRoute } from './http/stop-stream.js';
import { refuseTransferCodings } from './http/transfer-codings.js';
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
  /** Of the service. */
  readonly version: string;
}

export interface RequestTimeouts {
  /** How long a JSON body may take to arrive. */
  readonly bodyMs: number;
  /** How long a body may be coming and keep its room while others lack it. */
  readonly patienceMs: number;
  /** How long an NDJSON body may bring nothing. */
  readonly silenceMs: number;
  /** How long the client of an answer may take nothing of it. */
  readonly stallMs: number;
}

const defaultTimeouts: RequestTimeouts = {
  bodyMs: 30_000,
  patienceMs: 5000,
  silenceMs: 300_000,
  stallMs: 30_000,
};

/** How long a feed's socket may take its last bytes when the service stops. */
const feedGraceMs = 3000;

/** How long it takes to end many feeds when the service is drained. */
const feedSpreadMs = 3000;

/** How long requests in flight may take when the service stops. */
const requestGraceMs = 3000;

/** Long enough for any id to reach our own check, which says what is wrong with it. */
const maxParamLength = 16 * 1024;

/** All routes over one stream manager. Closing the app ends the feeds; the manager is the caller's. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { config, logger, streams, version } = options;
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const origins = new Origins(config.cors.origins);
  const { host, allowedHosts, trustProxy, maxConnections } = config.server;
  const { producerKeys: keys, reader } = config.auth;
  const hosts = new HostRule(host, allowedHosts, keys.length > 0);
  const metrics = new Metrics({ version, streams, backend: config.streamManager.type });
  const observed = metrics.observe(streams);
  const { onRejected } = metrics;
  const connections = new Connections(timeouts.stallMs, onRejected);
  const limits = { maxEventBytes: config.limits.eventBytes };
  const maxBodyBytes = config.limits.bodyBytes;
  const budget = new BodyBudget(config.limits.bodiesInFlight, timeouts.patienceMs);
  const { maxTtlMs } = config.streamManager;
  const ordinaryAppends = new OrdinaryAppends({
    appends: observed,
    limits,
    maxTtlMs,
    maxBodyBytes,
    budget,
    keys,
    hosts,
    origins,
    isEnabled: !limitsAppends(config.limits.rates) && !logger.isLevelEnabled('debug'),
  });
  const app = fastify({
    loggerInstance: logger satisfies FastifyBaseLogger as FastifyBaseLogger,
    // A request's log line holds its URL, and that may hold a token.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: maxBodyBytes,
    trustProxy: trustProxy.length > 0 && [...trustProxy],
    serverFactory: (handle) =>
      createHttpServer(handle, { connections, ordinaryAppends, maxConnections }),
    routerOptions: { maxParamLength },
    return503OnClosing: false, // an EventSource would give up for good
    frameworkErrors: (error, request, reply) =>
      void refuse(error, request, setCorsHeaders(request, withSecurityHeaders(reply), origins)),
    clientErrorHandler: (error, socket) => connections.refuse(error, socket),
  });
  const feeds = new Feeds(streams, config.feed, logger, metrics.feeds);
  const draining = new Draining(feeds, { spreadMs: feedSpreadMs, graceMs: feedGraceMs });
  metrics.feeds.watch(() => feeds.counts);
  metrics.countDropped(app.server);
  app.setValidatorCompiler(compileSchema);
  useProblems(app, onRejected);
  setSecurityHeaders(app);
  if (trustProxy.length > 0) readForwardedFor(app);
  requireHost(app, hosts, origins);
  refuseTransferCodings(app);
  await allowOrigins(app, origins, config.cors.headers); // first, since a preflight brings no key
  refuseOtherSites(app, origins);
  const verifier = reader === null ? null : new TokenVerifier(reader, logger);
  requireAccess(app, { keys, verifier, origins });
  const rates = await limitRates(app, config.limits.rates);
  acceptBodies(app, { budget, timeoutMs: timeouts.bodyMs });
  await app.register(fastifySSE, { heartbeatInterval: 0 });
  if (config.docs.isEnabled) {
    await collectRoutes(app, { version, tokenCookie: reader?.cookie ?? usualTokenCookie });
  }
  refuseOtherMethods(app, () => {
    appendEventsRoute(app, {
      streams,
      appends: observed,
      limits,
      maxTtlMs,
      failureOf: (request) => ordinaryAppends.failureOf(request),
      rateLimit: rates.appends,
      pollIntervalMs: config.feed.pollIntervalMs,
      silenceMs: timeouts.silenceMs,
      draining: draining.leaving,
    });
    stopStreamRoute(app, { streams, appends: observed, rateLimit: rates.appends });
    renewLeaseRoute(app, streams);
    readEventsRoute(app, {
      streams,
      pollIntervalMs: config.feed.pollIntervalMs,
      draining: draining.leaving,
    });
    listStreamsRoute(app, streams);
    deleteRoutes(app, { ...observed, listStreams: (id) => streams.listStreams(id) });
    followStreamRoute(app, feeds, rates.feeds, config.limits.eventBytes);
    resumeChatRoute(app, streams, feeds, rates.feeds, config.limits.eventBytes);
    getStatusRoute(app, streams);
    healthRoutes(app, streams, draining);
    metricsRoute(app, metrics);
    if (config.docs.isEnabled) docsRoutes(app);
    if (config.inspector.isEnabled) inspectorRoutes(app);
  });
  app.decorate('drain', (delayMs: number) => draining.run(delayMs));
  app.addHook('preClose', async () => {
    ordinaryAppends.stop(); // their answers do not say that the connection closes
    try {
      await draining.finish();
    } finally {
      connections.stop(requestGraceMs);
    }
  });
  return app;
}
