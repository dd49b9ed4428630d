import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, preValidationHookHandler } from 'fastify';
import type { z } from 'zod';
import { excerpt, ServiceError } from '../../errors.js';
import { parseSmall } from '../../events/parse-events.js';
import { describeIssue, findIssue } from '../../validation-message.js';
import type { BodyBudget, BodyShare } from './body-budget.js';
import { readBody } from './read-body.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The bodies that a route takes; without it, a body is ignored and not waited for. */
    takesBody?: TakesBody;
  }
  interface FastifyRequest {
    /** Share of the body in the budget of all bodies; null on a route that takes none. */
    bodyShare: BodyShare | null;
  }
}

type TakesBody = 'json' | 'json_or_ndjson';

const json = 'application/json';
const ndjson = 'application/x-ndjson';
/** NDJSON has no registered media type, and clients use each of these. */
const ndjsonTypes: ReadonlySet<string> = new Set([
  ndjson,
  'application/ndjson',
  'application/jsonl',
]);

/** The second is a common misspelling. */
const utf8Names: ReadonlySet<string> = new Set(['utf-8', 'utf8']);

export interface BodyOptions {
  readonly budget: BodyBudget;
  /** Size of a JSON body where the route sets no `bodyLimit` of its own. */
  readonly maxBytes: number;
  /** How long a JSON body may take to arrive. */
  readonly timeoutMs: number;
}

/**
 * Hands JSON bodies to their routes as the bytes that came and NDJSON bodies as a stream, as far as a
 * route takes them, and rejects bodies of every other media type: any page can post `text/plain`
 * without a preflight, so it is never parsed as JSON. Without a body, the media type is ignored.
 *
 * Fastify would run a parser in an asynchronous context of its own, which costs every append; so it
 * is told that no method brings a body.
 *
 * @param app of which all routes that take a body are registered afterwards
 */
export function acceptBodies(app: FastifyInstance, options: BodyOptions): void {
  for (const method of app.supportedMethods) app.addHttpMethod(method, { overrideExisting: true });
  app.decorateRequest('bodyShare', null);
  app.addHook('onRoute', (route) => {
    const takesBody = route.config?.takesBody;
    if (takesBody === undefined) return;
    const maxBytes = route.bodyLimit ?? options.maxBytes;
    const accept = bodyReader({ ...options, maxBytes }, takesBody);
    route.preValidation = [route.preValidation ?? []].flat().concat(accept);
  });
}

function bodyReader(
  { budget, maxBytes, timeoutMs }: BodyOptions,
  takesBody: TakesBody,
): preValidationHookHandler {
  return (request, reply, done) => {
    const { headers, mediaType, raw } = request;
    const share = budget.share(reply.raw);
    request.bodyShare = share;
    if (mediaType === undefined && !bringsBody(headers)) return done();
    const error = encodingError(headers) ?? typeError(mediaType, takesBody);
    if (error === null && isNdjson(mediaType)) {
      request.body = raw;
      return done();
    }
    const limit = error === null ? maxBytes : 0;
    const tooLarge = () =>
      error ?? new ServiceError('body_too_large', `the body has more than ${limit} bytes`);
    readBody(raw, { maxBytes: limit, timeoutMs, tooLarge }, share, (failure, body) => {
      if (failure !== null) reply.header('connection', 'close');
      request.body = body;
      done(failure ?? undefined);
    });
  };
}

function bringsBody(headers: IncomingHttpHeaders): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': codings } = headers;
  return length !== '0' || codings !== undefined;
}

/**
 * Reads a small JSON body; no body means an empty object.
 *
 * @throws ServiceError `invalid_json` or `invalid_event`
 */
export function parseJsonBody<T extends z.ZodType>(body: unknown, schema: T): z.infer<T> {
  const value = Buffer.isBuffer(body) && body.length > 0 ? parseSmall(body) : {};
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ServiceError('invalid_event', describeIssue(findIssue(schema, value), 'the body'));
}

export function isNdjson(mediaType: string | undefined): boolean {
  return mediaType !== undefined && ndjsonTypes.has(mediaType);
}

/** Why a body of this type is not supported; null when it is. */
function typeError(type: string | undefined, takes: TakesBody): ServiceError | null {
  if (type === json || (isNdjson(type) && takes === 'json_or_ndjson')) return null;
  const types = takes === 'json' ? json : `${json} or ${ndjson}`;
  return new ServiceError('unsupported_media_type', `the body has to be ${types}`);
}

function encodingError(headers: IncomingHttpHeaders): ServiceError | null {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    return notSupported(`content encoding ${excerpt(encoding)}`);
  }
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(headers['content-type'] ?? '')?.[1];
  if (charset === undefined || utf8Names.has(charset.toLowerCase())) return null;
  return notSupported(`charset ${excerpt(charset)}`);
}

function notSupported(what: string): ServiceError {
  return new ServiceError('unsupported_media_type', `${what} is not supported`);
}
