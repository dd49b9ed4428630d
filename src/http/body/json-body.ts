import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { excerpt, ServiceError } from '../../errors.js';
import { parseSmall } from '../../events/parse-events.js';
import { describeIssue, findIssue } from '../../issue-message.js';
import type { BodyBudget, BodyShare } from './body-budget.js';
import { readBody } from './read-body.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What bodies a route takes: none without it, and then nobody waits for one. */
    takesBody?: 'json' | 'json_or_ndjson';
  }
  interface FastifyRequest {
    /** What the body holds of the budget of all bodies; null where none is taken. */
    bodyShare: BodyShare | null;
  }
}

const json = 'application/json';
const ndjson = 'application/x-ndjson';
/** None is registered, and clients use each of them. */
const ndjsonTypes: ReadonlySet<string> = new Set([
  ndjson,
  'application/ndjson',
  'application/jsonl',
]);

/** The second is a common misspelling. */
const utf8Names: ReadonlySet<string> = new Set(['utf-8', 'utf8']);

export interface BodyOptions {
  readonly budget: BodyBudget;
  /** How long a JSON body may take to arrive. */
  readonly timeoutMs: number;
}

/**
 * Leaves JSON bodies as the bytes that came and NDJSON bodies as a stream, as far as a route takes
 * them, and rejects bodies of every other media type: a page of another origin can post `text/plain`
 * without asking, so that is not taken for JSON. Where there is no body, its type says nothing.
 */
export function acceptBodies(app: FastifyInstance, { budget, timeoutMs }: BodyOptions): void {
  const accept = (
    request: FastifyRequest,
    body: IncomingMessage,
    done: (error: Error | null, body?: unknown) => void,
  ) => {
    const { bodyShare, mediaType, routeOptions } = request;
    const { takesBody } = routeOptions.config;
    if (bodyShare === null || takesBody === undefined) return done(null);
    const fault = encodingFault(request) ?? typeFault(mediaType, takesBody);
    if (fault === null && isNdjson(mediaType)) return done(null, body);
    const maxBytes = fault === null ? routeOptions.bodyLimit : 0;
    const tooLarge = () => fault ?? bodyTooLarge(maxBytes);
    readBody(body, { maxBytes, timeoutMs, tooLarge }, bodyShare, done);
  };
  app.removeAllContentTypeParsers();
  for (const type of [json, ...ndjsonTypes, '*']) app.addContentTypeParser(type, accept);
  app.decorateRequest('bodyShare', null);
  app.addHook('preParsing', (request, { raw }, payload, done) => {
    // Fastify itself rejects a type that is malformed, with a body or without.
    if (request.mediaType === undefined) delete request.headers['content-type'];
    if (request.routeOptions.config?.takesBody !== undefined) request.bodyShare = budget.share(raw);
    done(null, payload);
  });
}

/**
 * Reads a small JSON body; none is taken for an empty object.
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

/** Why a body of this type is not taken. */
function typeFault(type: string | undefined, takes: 'json' | 'json_or_ndjson') {
  if (type === json || (isNdjson(type) && takes === 'json_or_ndjson')) return null;
  const types = takes === 'json' ? json : `${json} or ${ndjson}`;
  return new ServiceError('unsupported_media_type', `the body has to be ${types}`);
}

function encodingFault({ headers }: FastifyRequest): ServiceError | null {
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

function bodyTooLarge(maxBytes: number): ServiceError {
  return new ServiceError('body_too_large', `the body has more than ${maxBytes} bytes`);
}
