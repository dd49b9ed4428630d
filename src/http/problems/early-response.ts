import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Problem, problemContentType } from './problem.js';

/** How long what still comes is read and thrown away. */
export const discardMs = 1000;

/**
 * Answers a request whose body has not ended, and closes the connection. Not at once: a client that
 * is still sending would lose the answer to the reset of a closed socket. The answer is whole, by
 * its length, before the response ends.
 */
export function answerEarly(request: FastifyRequest, reply: FastifyReply, problem: Problem): void {
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
