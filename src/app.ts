import { fastifySSE } from '@fastify/sse';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Config } from './config.js';
import { Feeds } from './feed/feeds.js';
import { requireAccess } from './http/access.js';
import { appendEventsRoute } from './http/append-events.js';
import { answerClientError } from './http/client-errors.js';
import { Connections } from './http/connections.js';
import { allowOrigins, setCorsHeaders } from './http/cors.js';
import { followStreamRoute } from './http/follow-stream.js';
import { getStatusRoute } from './http/get-status.js';
import { healthRoutes } from './http/health.js';
import { acceptJsonBodies } from './http/json-body.js';
import { refuseOtherMethods } from './http/method-not-allowed.js';
import { sendProblem, useProblems } from './http/problem.js';
import { readEventsRoute } from './http/read-events.js';
import type { StreamManager } from './streams/stream-manager.js';

export interface AppOptions {
  readonly config: Pick<Config, 'auth' | 'cors' | 'feed' | 'limits'>;
  readonly logger: Logger;
  readonly streams: StreamManager;
}

/** How long a feed's socket may take its last bytes when the service stops. */
const drainGraceMs = 3000;

/** How long requests in flight may take when the service stops. */
const requestGraceMs = 3000;

/** How long a request may take to arrive whole, and its head alone. */
const requestTimeoutMs = 30_000;
const headersTimeout = 10_000;

/** How often Node looks for requests that take too long. */
const connectionsCheckingInterval = 2000;

/** Long enough for any id to reach our own check, which says what is wrong with it. */
const maxParamLength = 16 * 1024;

/** All routes over one stream manager. Closing the app ends the feeds; the manager is the caller's. */
export async function buildApp({ config, logger, streams }: AppOptions): Promise<FastifyInstance> {
  const { origins } = config.cors;
  const app = fastify({
    loggerInstance: logger satisfies FastifyBaseLogger as FastifyBaseLogger,
    // A request's log line holds its URL, and that may hold a token.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.limits.bodyBytes,
    requestTimeout: requestTimeoutMs,
    http: { headersTimeout, connectionsCheckingInterval },
    routerOptions: { maxParamLength },
    return503OnClosing: false, // an EventSource would give up for good
    frameworkErrors: (error, request, reply) =>
      void sendProblem(error, request, setCorsHeaders(request, reply, origins)),
    clientErrorHandler: answerClientError,
  });
  const feeds = new Feeds(streams, config.feed, logger);
  const connections = new Connections(app.server);

  app.setValidatorCompiler(validatorCompiler);
  useProblems(app);
  await allowOrigins(app, origins); // first, since a preflight brings no key
  requireAccess(app, config.auth.producerKeys);
  acceptJsonBodies(app);
  await app.register(fastifySSE, { heartbeatInterval: 0 });
  refuseOtherMethods(app, () => {
    appendEventsRoute(app, streams, { maxEventBytes: config.limits.eventBytes });
    readEventsRoute(app, streams);
    followStreamRoute(app, feeds);
    getStatusRoute(app, streams);
    healthRoutes(app, streams, feeds);
  });
  app.addHook('preClose', async () => {
    await feeds.drain(drainGraceMs);
    connections.stop(requestGraceMs);
  });
  return app;
}
