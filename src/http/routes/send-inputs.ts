import type { FastifySchema } from 'fastify';
import { z } from 'zod';
import { ServiceError } from '../../errors.js';
import { eventSchema } from '../../events/event.js';
import type { ParseLimits } from '../../events/parse-events.js';
import { maxBatchInputs, parseInputs } from '../../events/parse-inputs.js';
import type { StreamManager } from '../../store/stream-manager.js';
import type { BodyShare } from '../body/body-budget.js';
import { type RateLimit, rejectOverRate } from '../hooks/rate-limits.js';
import { type App, messagePath, streamParams } from './request-schemas.js';
import { components, inputsHeader, jsonContent, storeErrors } from './route-metadata.js';
import { offset } from './stream-status.js';

const input = eventSchema
  .required({ id: true })
  .describe('an event with an id, which no other input of the stream has')
  .register(components, { id: 'Input' });

const sendRequest = z
  .union([input, z.array(input).min(1).max(maxBatchInputs)])
  .register(components, { id: 'InputRequest' });

const stored = z
  .strictObject({
    offset: offset.describe('of the first input that was stored'),
    count: z.int().min(1).describe('how many inputs were stored'),
    nextOffset: offset,
  })
  .register(components, { id: 'InputsStored' });

const duplicate = stored
  .extend({ count: z.literal(0), duplicate: z.literal(true) })
  .register(components, { id: 'InputsDuplicate' });

const description = `
Inputs go to the worker of an open stream: a message that steers it, an approval, an answer. One, or an array of 1 to
${maxBatchInputs} that is stored atomically. An input that was stored precedes the end of the stream, on every node.

The request is idempotent by the ids of the inputs: those that are stored are not stored again, also after the end. The
service adds their author as \`by\`, which a sender cannot set.`;

const message = { type: 'message', id: 'i1', content: 'In French, please.' };
const approval = { type: 'approval', id: 'i2', data: { replyTo: 'p1', approved: true } };

const schema = {
  params: streamParams,
  operationId: 'sendInputs',
  tags: ['Inputs'],
  summary: 'Send inputs to the worker of a stream',
  description: description.trim(),
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: sendRequest,
        examples: {
          message: { summary: 'A message', value: message },
          approval: { summary: 'An approval', value: approval },
          several: { summary: 'Several, all or none', value: [message, approval] },
        },
      },
    },
  },
  response: {
    201: {
      description: 'What was stored.',
      headers: inputsHeader,
      content: jsonContent(stored, { offset: 0, count: 1, nextOffset: 1 }),
    },
    200: {
      description: 'All of it was stored already.',
      headers: inputsHeader,
      content: jsonContent(duplicate, { offset: 1, count: 0, nextOffset: 1, duplicate: true }),
    },
  },
  problems: [
    'invalid_event',
    'invalid_json',
    'not_found',
    'request_timeout',
    'stream_ended',
    'input_conflict',
    'inputs_full',
    'event_too_large',
    'body_too_large',
    'unsupported_media_type',
    'rate_limited',
    'overloaded',
    'store_full',
    ...storeErrors,
  ],
} as const satisfies FastifySchema;

export interface SendInputsOptions {
  readonly streams: Pick<StreamManager, 'appendInputs'>;
  readonly limits: ParseLimits;
  readonly rateLimit: RateLimit | null;
}

/** `POST …/inputs`: stores inputs for the worker of a stream. */
export function sendInputsRoute(app: App, options: SendInputsOptions): void {
  const { streams, limits, rateLimit } = options;
  app.post(
    `${messagePath}/inputs`,
    {
      schema,
      config: { access: 'input', reportsStored: true, takesBody: 'json' },
      onRequest: rejectOverRate(rateLimit),
    },
    async ({ params, body, reader, keyId, bodyShare }, reply) => {
      if (!Buffer.isBuffer(body)) throw new ServiceError('invalid_json', 'the body is empty');
      const author = reader === null ? keyId : reader.subject;
      const result = await (bodyShare as BodyShare).during(async () =>
        streams.appendInputs(params, await parseInputs(body, author, limits)),
      );
      if (result === null) throw new ServiceError('not_found', 'there is no such stream');
      const { offset, count, nextOffset } = result;
      const isDuplicate = count === 0 ? { duplicate: true } : {};
      return reply
        .code(count === 0 ? 200 : 201)
        .header('inputs-next-offset', nextOffset)
        .send({ offset, count, nextOffset, ...isDuplicate });
    },
  );
}
