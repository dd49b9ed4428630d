import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifySchemaCompiler,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ServiceError } from '../../errors.js';
import { maxBatchEvents } from '../../events/event.js';
import { parsePosition } from '../../events/position.js';
import { idPattern, type LogId, type StreamId } from '../../store/stream-manager.js';
import { findIssue } from '../../validation-message.js';
import {
  maxInputsAckOffset,
  maxLeaseSeconds,
  maxNumber,
  maxProducerIdLength,
} from './append-json.js';

/** An app whose routes have the types of their schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** The path of a session. */
export const sessionPath = '/sessions/:sid';

/** The path of one stream, the prefix of all its routes. */
export const messagePath = '/sessions/:sid/messages/:mid';

const idRule = 'must have 1 to 128 characters of A-Z a-z 0-9 . _ ~ - and not begin with . or ~';

const id = z.string().regex(idPattern, idRule);
const sid = id.describe('The id of the session.');
const mid = id.describe('The id of the message.');

/** The path parameters of every route of one stream. */
export const streamParams = z
  .object({ sid, mid })
  .transform((params): StreamId => ({ sessionId: params.sid, messageId: params.mid }));

/** Those of the routes of its inputs. */
export const inputsParams = z
  .object({ sid, mid })
  .transform((params): LogId => ({ sessionId: params.sid, messageId: params.mid, log: 'inputs' }));

/**
 * Validates requests by the schemas of their routes. Every append has ids: valid ones take a fast path,
 * and the schema produces the errors of others.
 */
export const compileSchema: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const check = (given: unknown) => {
    const { data, success } = schema.safeParse(given);
    return success ? { value: data } : { error: invalid(schema, given, httpPart) };
  };
  if (schema !== streamParams) return check;
  return (params: { sid: string; mid: string }) => {
    const { sid, mid } = params;
    if (!idPattern.test(sid) || !idPattern.test(mid)) return check(params);
    return { value: { sessionId: sid, messageId: mid } satisfies StreamId };
  };
};

function invalid(schema: z.ZodType, given: unknown, httpPart: string | undefined): ServiceError {
  const { field, message } = findIssue(schema, given);
  const ofQuery = field === 'offset' ? 'invalid_offset' : 'invalid_query';
  const code = httpPart === 'params' ? 'invalid_id' : ofQuery;
  return new ServiceError(code, `\`${field}\` ${message}`);
}

export const notAPosition =
  'must be an offset (an integer from 0 on) or the id of an event (17-9f2c01ab)';

/** The path parameter of the routes of a session. */
export const sessionParams = z.object({ sid }).transform((params) => ({ sessionId: params.sid }));

/** `n` or `n-tag`. */
export const position = z
  .string()
  .describe('An offset or an id to read from; without one, the start.')
  .transform((text, context) => {
    const parsed = parsePosition(text);
    if (parsed !== null) return parsed;
    context.addIssue({ code: 'custom', message: notAPosition });
    return z.NEVER;
  });

const limitRule = `must be an integer between 1 and ${maxBatchEvents}`;

export const limit = z
  .string()
  .regex(/^[1-9][0-9]{0,3}$/, limitRule)
  .describe(`The maximum number of events to read, 1 to ${maxBatchEvents}.`)
  .transform(Number)
  .refine((value) => value <= maxBatchEvents, limitRule);

/** Max time that a read may wait. */
const maxWaitSeconds = 60;

const waitRule = `must be an integer between 0 and ${maxWaitSeconds}`;

/** How long a read waits: seconds, parsed into milliseconds. */
export const wait = z
  .string()
  .regex(/^(0|[1-9][0-9]?)$/, waitRule)
  .describe(`How many seconds a read may wait for an event, at most ${maxWaitSeconds}.`)
  .transform(Number)
  .refine((value) => value <= maxWaitSeconds, waitRule)
  .transform((seconds) => seconds * 1000);

/** A boolean; `z.coerce.boolean()` would parse "false" as true. */
export const flag = z
  .enum(['true', 'false'], 'must be true or false')
  .transform((text) => text === 'true');

const number = z.int().min(0).max(maxNumber);

/** With an epoch alone, a worker shows that no other has taken over. */
export const producerEpochHeaders = {
  'Producer-Id': z
    .string()
    .regex(new RegExp(`^[ -~]{1,${maxProducerIdLength}}$`))
    .describe('The name of the producer within its stream.')
    .optional(),
  'Producer-Epoch': number.describe('Each worker that takes over raises it.').optional(),
};

/** The headers of a producer: all three or none. */
export const producerHeaders = {
  ...producerEpochHeaders,
  'Producer-Seq': number
    .describe('The number of the first event of the body; each event takes the next.')
    .optional(),
};

const lease = z
  .int()
  .min(1)
  .max(maxLeaseSeconds)
  .describe('Seconds until the service ends the stream, unless the lease is renewed before.');

export const leaseHeader = { 'Producer-Lease': lease.optional() };

export const requiredLeaseHeader = { 'Producer-Lease': lease };

/** Acknowledges inputs, in the same step as the events of the request are stored. */
export const inputsAckHeader = {
  'Inputs-Ack-Offset': z
    .int()
    .min(0)
    .max(maxInputsAckOffset)
    .describe('The worker has taken in the inputs before this offset.')
    .optional(),
};

export const ttlHeader = {
  'Stream-TTL': z
    .int()
    .min(1)
    .describe(
      'On the append that creates a stream: how many seconds it is kept after its last event, at most ' +
        '`stream_manager.max_ttl`, which is 7 days by default.',
    )
    .optional(),
};
