import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { ServiceError } from '../errors.js';
import { type BodyLimits, readBody } from './read-body.js';

export const ndjson = 'application/x-ndjson';

/**
 * Leaves JSON bodies as the bytes that came and NDJSON bodies as a stream, and refuses every other
 * media type: a page of another origin can post `text/plain` without asking, so that is not taken
 * for JSON.
 *
 * @param limits of JSON bodies; NDJSON bodies have no end of their own
 */
export function acceptJsonBodies(app: FastifyInstance, limits: BodyLimits): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', (_request, body: IncomingMessage, done) =>
    readBody(body, limits, done),
  );
  app.addContentTypeParser(ndjson, (_request, body: IncomingMessage, done) => done(null, body));
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const fault = hasBody(request) ? encodingFault(request) : null;
    if (fault === null) done(null, payload);
    else done(fault);
  });
}

/**
 * Reads a small JSON body; none is taken for an empty object.
 *
 * @throws ServiceError `invalid_json` or `invalid_event`
 */
export function parseJsonBody<T extends z.ZodType>(body: unknown, schema: T): z.infer<T> {
  const result = schema.safeParse(Buffer.isBuffer(body) && body.length > 0 ? parse(body) : {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ServiceError('invalid_event', `/${issue?.path.join('/')}: ${issue?.message}`);
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new ServiceError('invalid_json', 'the body is not JSON', {}, { cause: error });
  }
}

/** Whether there is one that is read: what comes with a GET is not. */
function hasBody({ headers, method }: FastifyRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  const length = headers['content-length'] ?? '0';
  return length !== '0' || headers['transfer-encoding'] !== undefined;
}

function encodingFault({ headers }: FastifyRequest): ServiceError | null {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    return new ServiceError('unsupported_media_type', `content encoding ${encoding} is not taken`);
  }
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(headers['content-type'] ?? '')?.[1];
  if (charset === undefined || charset.toLowerCase() === 'utf-8') return null;
  return new ServiceError('unsupported_media_type', `charset ${charset} is not taken, UTF-8 is`);
}
