import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { ServiceError } from '../../errors.js';
import type { BodyShare } from '../body/body-budget.js';
import { type RateLimit, rejectOverRate } from '../hooks/rate-limits.js';
import { appendDocumentation } from './append-documentation.js';
import { appendJson, sendAppended } from './append-json.js';
import { appendNdjson, type NdjsonOptions } from './append-ndjson.js';
import { streamParams } from './request-schemas.js';
import { messagePath } from './routes.js';

export interface AppendOptions extends NdjsonOptions {
  /** The error of a request that was tried before the framework got it; else undefined. */
  readonly takeError: (request: IncomingMessage) => unknown;
  readonly rateLimit: RateLimit | null;
}

/**
 * `POST …/events`: appends one JSON event, an array of them atomically, or the lines of an
 * NDJSON body as they arrive.
 */
export function appendEventsRoute(app: FastifyInstance, options: AppendOptions): void {
  const { takeError, rateLimit } = options;
  const throwError: onRequestHookHandler = ({ raw }, _reply, done) =>
    done(takeError(raw) as Error | undefined);
  app.withTypeProvider<ZodTypeProvider>().post(
    `${messagePath}/events`,
    {
      schema: { params: streamParams, ...appendDocumentation },
      config: { access: 'append', reportsStored: true, takesBody: 'json_or_ndjson' },
      onRequest: [throwError, ...rejectOverRate(rateLimit)],
    },
    async (request, reply) => {
      const { body, params, raw } = request;
      const share = request.bodyShare as BodyShare;
      if (body instanceof Readable) {
        return share.during(() => appendNdjson(request, reply, params, options));
      }
      if (!Buffer.isBuffer(body)) throw new ServiceError('invalid_json', 'the body is empty');
      const appended = await share.during(() => appendJson(raw, body, params, options));
      const { sessionId, messageId } = params;
      const { offset, count, nextOffset } = appended; // by name: spreading would cost more than all else here
      const fields = { sessionId, messageId, offset, count, nextOffset };
      request.log.debug(fields, 'Events were appended');
      return sendAppended(reply, appended);
    },
  );
}
