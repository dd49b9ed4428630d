import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import {
  type ErrorCode,
  type ErrorDetails,
  errorTable,
  ServiceError,
  toLogFields,
} from '../../errors.js';
import type { RouteTable } from './route-table.js';

/** Marks a route whose errors say how many of the body's events are stored. */
declare module 'fastify' {
  interface FastifyContextConfig {
    reportsStored?: boolean;
  }
  interface FastifyInstance {
    onRejected: OnRejected;
    routeTable: RouteTable;
  }
}

/**
 * Called for each response with a problem. It returns at once and does not throw.
 *
 * @param route the pattern of its path, or `none`
 */
export type OnRejected = (code: ErrorCode, route: string) => void;

/** The label of a request that matches no route. */
export const noRoute = 'none';

/** Errors that an operator has to handle. All other rejections are intended. */
const troubles: ReadonlySet<ErrorCode> = new Set(['backend_unavailable', 'store_full']);

export const problemContentType = 'application/problem+json; charset=utf-8';

/** A problem document (RFC 9457). `code` is what clients branch on. */
export interface Problem extends Omit<ErrorDetails, 'retryAfterSeconds'> {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  /** The path of the request, without its query, which may hold a token. */
  readonly instance: string;
}

/** The only place where an error becomes a response. */
export function toProblem(error: ServiceError, instance: string, reportsStored = false): Problem {
  const { status, title } = errorTable[error.code];
  const { stored, storedAtLeast, retryAfterSeconds, ...details } = error.details;
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

export function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const problem = toReportedProblem(error, request);
  return reply.code(problem.status).type(problemContentType).send(JSON.stringify(problem));
}

/** Logs and counts an error, and returns its problem. */
export function toReportedProblem(error: unknown, request: FastifyRequest): Problem {
  const known = toServiceError(error);
  logProblem(request, known, known === error ? known.cause : error);
  request.server.onRejected(known.code, routeOf(request));
  return toProblem(known, pathOf(request), reportsStored(request));
}

/** Clients without valid credentials cannot fill the log: errors on our side have their own line elsewhere. */
function logProblem(request: FastifyRequest, { code, message }: ServiceError, cause: unknown) {
  const { log, isStranger } = request;
  if (code === 'internal') log.error({ code, ...toLogFields(cause) }, 'A request failed');
  else if (troubles.has(code) && !isStranger) {
    log.warn({ code, detail: message, ...toLogFields(cause) }, 'A request could not be served');
  } else log.debug({ code }, 'A request was rejected'); // the detail may quote the body
}

/** The label of a route. Requests for any other path share one, so that the labels are a short list. */
function routeOf({ is404, routeOptions, server, url }: FastifyRequest): string {
  return (is404 ? server.routeTable.find(url)?.url : routeOptions.url) ?? noRoute;
}

export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] as string;
}

function reportsStored(request: FastifyRequest): boolean {
  // A path that cannot be decoded matches no route.
  return request.routeOptions.config?.reportsStored ?? request.method === 'POST';
}

/** The codes for Fastify's own errors, with other messages, as its own may quote the query. */
const frameworkErrors: Readonly<Record<string, readonly [code: ErrorCode, message: string]>> = {
  FST_ERR_BAD_URL: ['invalid_id', 'the path cannot be decoded'],
  FST_ERR_MAX_PARAM_LENGTH: ['invalid_id', 'the path is too long'],
};

function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const known = frameworkErrors[(error as FastifyError).code];
  if (known !== undefined) return new ServiceError(...known);
  return new ServiceError('internal', 'something went wrong on our side');
}
