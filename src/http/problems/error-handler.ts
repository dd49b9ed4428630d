import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../../errors.js';
import {
  type OnRejected,
  type Problem,
  problemContentType,
  sendProblem,
  toReportedProblem,
} from './problem.js';
import { RouteTable } from './route-table.js';

/** How long the rest of a body is read and discarded after an early response. */
export const discardMs = 1000;

/** Responds with problems to errors thrown in routes or by Fastify, and to requests without a route. */
export function useProblems(app: FastifyInstance, onRejected: OnRejected = () => {}): void {
  app.decorate('onRejected', onRejected);
  app.decorate('routeTable', new RouteTable(app));
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (hasLeft(request)) {
      request.log.debug('A client left before its request was complete');
      return reply.hijack();
    }
    return reject(error, request, reply);
  });
  app.setNotFoundHandler((request, reply) => reject(noRouteError(request, reply), request, reply));
}

/** The error of a request without a route. It needs no access, as it reveals no more than the documents. */
function noRouteError({ server, url }: FastifyRequest, reply: FastifyReply): ServiceError {
  const route = server.routeTable.find(url);
  if (route === null) return new ServiceError('not_found', 'there is no such route');
  reply.header('allow', route.allow);
  return new ServiceError('method_not_allowed', `this route takes ${route.allow}`);
}

/**
 * Responds with a problem. A body that is still arriving is discarded, and the response tells the client
 * that the connection closes.
 */
export function reject(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | Promise<FastifyReply> {
  const retryAfter = error instanceof ServiceError ? error.details.retryAfterSeconds : undefined;
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  return isComing(request)
    ? rejectEarly(error, request, reply)
    : sendProblem(error, request, reply);
}

async function rejectEarly(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  await nextTurn(); // Node first parses everything that arrived with the head
  if (!isComing(request)) return sendProblem(error, request, reply);
  respondEarly(request, reply, toReportedProblem(error, request));
  return reply;
}

/**
 * Responds before the body has ended, and closes the connection, but not at once: a closed socket would
 * reset, and a client that is still sending would lose the response. The client has the whole response,
 * by its length, before it ends.
 */
function respondEarly(request: FastifyRequest, reply: FastifyReply, problem: Problem): void {
  const body = Buffer.from(JSON.stringify(problem));
  reply.hijack();
  reply.raw.writeHead(problem.status, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': problemContentType,
    'content-length': body.length,
    connection: 'close',
  });
  reply.raw.write(body);
  const end = () => {
    clearTimeout(timer);
    reply.raw.end();
  };
  const timer = setTimeout(end, discardMs);
  request.raw.once('close', end);
  request.raw.unpipe();
  request.raw.resume();
}

/** Whether the client left in the middle of its request, and gets no response. */
function hasLeft({ raw }: FastifyRequest): boolean {
  return raw.socket.destroyed && !raw.complete;
}

/** Whether a part of the body has not arrived yet. */
function isComing({ headers, raw }: FastifyRequest): boolean {
  if (raw.complete) return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
