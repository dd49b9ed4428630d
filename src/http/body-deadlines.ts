import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors.js';
import { answerEarly } from './early-answer.js';
import { pathOf, toProblem } from './problem.js';

interface Pending {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly since: number;
}

/** Refuses bodies that take too long to arrive. Node's own timeout knows only whole servers. */
export class BodyDeadlines {
  readonly #pending = new Map<IncomingMessage, Pending>();
  readonly #beats: NodeJS.Timeout;

  /** @param timeoutMs how long a body may take, and at most a tenth of it longer */
  constructor(readonly timeoutMs: number) {
    this.#beats = setInterval(() => this.#beat(), timeoutMs / 10).unref();
  }

  add(request: FastifyRequest, reply: FastifyReply): void {
    this.#pending.set(request.raw, { request, reply, since: performance.now() });
  }

  /** To be called when the body is there, lest the request be kept until somebody looks. */
  remove(body: IncomingMessage): void {
    this.#pending.delete(body);
  }

  close(): void {
    clearInterval(this.#beats);
  }

  #beat(): void {
    const due = performance.now() - this.timeoutMs;
    for (const [body, pending] of this.#pending) {
      const isOver = body.complete || body.destroyed;
      if (!isOver && pending.since > due) continue;
      this.#pending.delete(body);
      if (!isOver) refuse(pending);
    }
  }
}

function refuse({ request, reply }: Pending): void {
  if (reply.sent || reply.raw.headersSent) return; // the rest of a body that nobody waits for
  const error = new ServiceError('request_timeout', 'the body did not arrive in time');
  answerEarly(request, reply, toProblem(error, pathOf(request), request.method === 'POST'));
}
