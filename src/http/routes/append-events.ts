import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifySchema, onRequestHookHandler } from 'fastify';
import { z } from 'zod';
import { ServiceError } from '../../errors.js';
import { eventSchema, maxBatchEvents } from '../../events/event.js';
import type { BodyShare } from '../body/body-budget.js';
import { type RateLimit, rejectOverRate } from '../hooks/rate-limits.js';
import { appendJson, sendAppended } from './append-json.js';
import { appendNdjson, type NdjsonOptions } from './append-ndjson.js';
import {
  type App,
  inputsAckHeader,
  leaseHeader,
  messagePath,
  producerHeaders,
  streamParams,
  ttlHeader,
} from './request-schemas.js';
import { components, inputsHeader, jsonContent, storeErrors } from './route-metadata.js';
import { offset } from './stream-status.js';

eventSchema.register(components, { id: 'Event' });

const events = z
  .array(eventSchema)
  .min(1)
  .max(maxBatchEvents)
  .register(components, { id: 'Events' });

const appendRequest = z.union([eventSchema, events]).register(components, { id: 'AppendRequest' });

const appended = z
  .strictObject({
    offset: offset.describe('of the first event that was stored'),
    count: z.int().min(1).describe('how many events were stored'),
    nextOffset: offset,
    inputs: z.strictObject({ nextOffset: offset.describe('the number of inputs of the stream') }),
  })
  .register(components, { id: 'Appended' });

const duplicate = appended
  .extend({ count: z.literal(0), duplicate: z.literal(true) })
  .register(components, { id: 'Duplicate' });

const nextOffsetHeader = {
  'Stream-Next-Offset': {
    description: 'The offset after the last event.',
    schema: { type: 'integer', minimum: 0 },
    required: true,
  },
  ...inputsHeader,
};

const chunk = { id: 'a1', type: 'answer', content: 'Cats ' };
const lastChunk = { ...chunk, content: 'sleep.', done: true };

const description = `
One event, an array of 1 to ${maxBatchEvents} that is stored atomically, or NDJSON, of which each line is
appended as it arrives: that request may stay open for a whole run.

With the three producer headers an append is idempotent: events that are stored already are not stored again.
Every rejection says in \`stored\` how many events of the body are in the stream.`;

/** What the document says of `POST …/events`, beside its parameters. */
const appendDocumentation = {
  operationId: 'appendEvents',
  tags: ['Workers'],
  summary: 'Append events',
  description: description.trim(),
  requestHeaders: z.object({
    ...producerHeaders,
    ...leaseHeader,
    ...ttlHeader,
    ...inputsAckHeader,
  }),
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: appendRequest,
        examples: {
          one: { summary: 'One event', value: chunk },
          several: { summary: 'Several, all or none', value: [chunk, lastChunk] },
          end: { summary: 'The end of the stream', value: { type: 'complete' } },
        },
      },
      'application/x-ndjson': {
        schema: z.string().describe('One event per line.'),
        examples: {
          lines: { value: `${JSON.stringify(chunk)}\n${JSON.stringify(lastChunk)}\n` },
        },
      },
    },
  },
  response: {
    201: {
      description: 'What was stored.',
      headers: nextOffsetHeader,
      content: jsonContent(appended, {
        offset: 0,
        count: 2,
        nextOffset: 2,
        inputs: { nextOffset: 0 },
      }),
    },
    200: {
      description: 'All of it was stored already, sent by the same producer.',
      headers: nextOffsetHeader,
      content: jsonContent(duplicate, {
        offset: 2,
        count: 0,
        nextOffset: 2,
        duplicate: true,
        inputs: { nextOffset: 0 },
      }),
    },
  },
  problems: [
    'invalid_header',
    'invalid_event',
    'invalid_json',
    'request_timeout',
    'stream_ended',
    'producer_gap',
    'producer_fenced',
    'inputs_gap',
    'inputs_unread',
    'stream_gone',
    'too_many_producers',
    'stream_full',
    'session_full',
    'event_too_large',
    'body_too_large',
    'unsupported_media_type',
    'rate_limited',
    'overloaded',
    'draining',
    'store_full',
    ...storeErrors,
  ],
} as const satisfies FastifySchema;

export interface AppendOptions extends NdjsonOptions {
  /** The error of a request that was tried before the framework got it; else undefined. */
  readonly takeError: (request: IncomingMessage) => unknown;
  readonly rateLimit: RateLimit | null;
}

/**
 * `POST …/events`: appends one JSON event, an array of them atomically, or the lines of an
 * NDJSON body as they arrive.
 */
export function appendEventsRoute(app: App, options: AppendOptions): void {
  const { takeError, rateLimit } = options;
  const throwError: onRequestHookHandler = ({ raw }, _reply, done) =>
    done(takeError(raw) as Error | undefined);
  app.post(
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
      const append = () => appendJson(raw, body, params, options, request.log);
      return sendAppended(reply, await share.during(append));
    },
  );
}
