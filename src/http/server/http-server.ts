import { createServer, type RequestListener, type Server } from 'node:http';
import type { AppendFastPath } from './append-fast-path.js';
import type { Connections } from './connections.js';

export interface HttpServerOptions {
  readonly connections: Connections;
  readonly appendFastPath: AppendFastPath;
  readonly maxConnections: number;
}

/** How long the head of a request may take to arrive. */
const headersTimeout = 10_000;

/** How often Node checks for requests that take too long. */
const connectionsCheckingInterval = 2000;

/** A peer that has been silent for this long is probed by TCP; without a response, it is gone in 10 s. */
const keepAliveInitialDelay = 60_000;

/** How long a connection may wait for its next request: longer than proxies keep theirs. */
const keepAliveTimeout = 72_000;

/** Node's server, and what a request passes in it before the framework handles it. */
export function createHttpServer(
  handle: RequestListener,
  { connections, appendFastPath, maxConnections }: HttpServerOptions,
): Server {
  const server = createServer({
    headersTimeout,
    requestTimeout: 0, // an NDJSON request may stay open for a whole run
    connectionsCheckingInterval,
    keepAlive: true,
    keepAliveInitialDelay,
    keepAliveTimeout,
    requireHostHeader: false, // Node's own response is no problem document; `checkRequests` makes one
  });
  server.maxConnections = maxConnections;
  server.maxHeadersCount = 0; // Node passes over those beyond, and so would our checks; 16 KiB bound them
  // Without it, who closes the sending side is sent nothing that is not ready in that moment.
  Object.assign(server, { httpAllowHalfOpen: true });
  ignoreExpectations(server);
  connections.attend(server, (request, response) => appendFastPath.take(request, response, handle));
  return server;
}

/**
 * Takes no notice of what a request expects beside `100-continue` (RFC 9110, section 10.1.1): Node's
 * own response is no problem document, and bypasses all that guards a response.
 */
function ignoreExpectations(server: Server): void {
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}
