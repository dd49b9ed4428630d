import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../../errors.js';
import { answerEarly } from './early-response.js';
import { type OnRejected, sendProblem, toReportedProblem } from './problem.js';

/** Bodies that are being read are soon through, or given up. */
const overloadSeconds = 1;

/** Answers with problems: for errors thrown in routes, by Fastify itself, and for unknown routes. */
export function useProblems(app: FastifyInstance, onRejected: OnRejected = () => {}): void {
  app.decorate('onRejected', onRejected);
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (hasLeft(request)) {
      request.log.debug('A client left before its request was whole');
      return reply.hijack();
    }
    return refuse(error, request, reply);
  });
  app.setNotFoundHandler((request, reply) =>
    refuse(new ServiceError('not_found', 'there is no such route'), request, reply),
  );
}

/**
 * Answers with a problem. When the body is still coming, nobody reads it any more, and the answer
 * tells the client that the connection closes.
 */
export function refuse(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | Promise<FastifyReply> {
  if (error instanceof ServiceError && error.code === 'overloaded') {
    reply.header('retry-after', overloadSeconds);
  }
  return isComing(request)
    ? refuseEarly(error, request, reply)
    : sendProblem(error, request, reply);
}

async function refuseEarly(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  await nextTurn(); // Node parses all that came along with the head before anything else is done
  if (!isComing(request)) return sendProblem(error, request, reply);
  answerEarly(request, reply, toReportedProblem(error, request));
  return reply;
}

/** Whether the client is gone, in the midst of its request: then nobody is to be told anything. */
function hasLeft({ raw }: FastifyRequest): boolean {
  return raw.socket.destroyed && !raw.complete;
}

/** Whether there is a body of which not everything has come. */
function isComing({ headers, raw }: FastifyRequest): boolean {
  if (raw.complete) return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
