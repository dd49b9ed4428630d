import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, errorTable, ServiceError, toLogFields } from '../errors.js';

/** Marks a route whose errors say how many of the body's events are stored. */
declare module 'fastify' {
  interface FastifyContextConfig {
    reportsStored?: boolean;
  }
}

export const problemContentType = 'application/problem+json; charset=utf-8';

/** A problem document (RFC 9457). `code` is what clients branch on. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  /** The path of the request, without its query, which may hold a token. */
  readonly instance: string;
  readonly stored?: number | null;
  readonly storedAtLeast?: number;
  readonly streamStatus?: string;
  readonly expectedSeq?: number;
  readonly line?: number;
}

/** The one place where an error becomes an answer. */
export function toProblem(error: ServiceError, instance: string, reportsStored = false): Problem {
  const { status, title } = errorTable[error.code];
  const { stored, storedAtLeast, ...details } = error.details;
  return {
    type: `urn:rejoin:problem:${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    instance,
    ...(reportsStored ? storedOf(error) : {}),
    ...details,
  };
}

function storedOf({ code, details }: ServiceError): Pick<Problem, 'stored' | 'storedAtLeast'> {
  const stored = details.stored === undefined ? errorTable[code].stored : details.stored;
  return stored === null ? { stored, storedAtLeast: details.storedAtLeast ?? 0 } : { stored };
}

/** Answers with problems: for errors thrown in routes, by Fastify itself, and for unknown routes. */
export function useProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (hasLeft(request)) {
      request.log.debug('A client left before its request was whole');
      return reply.hijack();
    }
    return sendProblem(error, request, reply);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(new ServiceError('not_found', 'there is no such route'), request, reply),
  );
}

/** Whether the client is gone, in the midst of its request: then nobody is to be told anything. */
function hasLeft({ raw }: FastifyRequest): boolean {
  return raw.socket.destroyed && !raw.complete;
}

export function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = toServiceError(error);
  const problem = toProblem(known, pathOf(request), reportsStored(request));
  logProblem(request, known, known === error ? known.cause : error);
  return reply.code(problem.status).type(problemContentType).send(JSON.stringify(problem));
}

function logProblem(request: FastifyRequest, { code, message }: ServiceError, cause: unknown) {
  const { log } = request;
  if (code === 'internal') log.error({ code, ...toLogFields(cause) }, 'A request failed');
  else if (errorTable[code].status >= 500) {
    log.warn({ code, detail: message, ...toLogFields(cause) }, 'A request could not be served');
  } else log.debug({ code }, 'A request was refused'); // the detail may quote the body
}

export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] as string;
}

function reportsStored(request: FastifyRequest): boolean {
  // A path that cannot be decoded leads to no route.
  return request.routeOptions.config?.reportsStored ?? request.method === 'POST';
}

/** Of these, Fastify's own message quotes the whole address, with a query that may hold a token. */
const pathFaults: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'the path cannot be decoded',
  FST_ERR_MAX_PARAM_LENGTH: 'a part of the path is too long',
};

/** What Fastify's own errors mean in the words of the contract. */
const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_header',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
};

function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const { code, message, validation, validationContext } = error as FastifyError;
  if (validation !== undefined) return fromValidation(error as FastifyError, validationContext);
  const known = frameworkCodes[code];
  const pathFault = pathFaults[code];
  if (pathFault !== undefined) return new ServiceError('invalid_id', pathFault);
  if (known !== undefined) return new ServiceError(known, message);
  return new ServiceError('internal', 'something went wrong on our side');
}

function fromValidation(error: FastifyError, context: string | undefined): ServiceError {
  const issue = error.validation?.[0];
  const field = issue?.instancePath.slice(1) ?? '';
  const message = `${field}: ${issue?.message ?? 'is invalid'}`;
  if (context === 'params') return new ServiceError('invalid_id', message);
  return new ServiceError(field === 'offset' ? 'invalid_offset' : 'invalid_query', message);
}
