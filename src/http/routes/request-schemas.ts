import type { FastifySchemaCompiler } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { parsePosition } from '../../events/position.js';
import { idPattern, type StreamId } from '../../store/stream-id.js';
import { maxBatchEvents } from '../../store/stream-manager.js';

const id = z.string().regex(idPattern, `must match ${idPattern.source}`);
const sid = id.describe('The id of the session.');
const mid = id.describe('The id of the message.');

/** The path parameters of every route of one stream. */
export const streamParams = z
  .object({ sid, mid })
  .transform((params): StreamId => ({ sessionId: params.sid, messageId: params.mid }));

/**
 * Checks requests by the schemas of their routes. Every append brings ids: those that match are
 * taken at once, and the schema says what is wrong with the others.
 */
export const compileSchema: FastifySchemaCompiler<z.ZodType> = (route) => {
  const check = validatorCompiler(route);
  if (route.schema !== streamParams) return check;
  return (params: { sid: string; mid: string }) => {
    const { sid, mid } = params;
    if (!idPattern.test(sid) || !idPattern.test(mid)) return check(params);
    return { value: { sessionId: sid, messageId: mid } satisfies StreamId };
  };
};

export const notAPosition =
  'must be an offset (a whole number from 0 on) or the id of an event (17-9f2c01ab)';

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

export const limit = z
  .string()
  .regex(/^[1-9][0-9]{0,3}$/, `must be a whole number from 1 to ${maxBatchEvents}`)
  .describe(`The most events to read, 1 to ${maxBatchEvents}.`)
  .transform(Number)
  .refine((value) => value <= maxBatchEvents, `must be at most ${maxBatchEvents}`);

/** The longest that a read may wait, in seconds. */
const maxWaitSeconds = 60;

/** Seconds, as milliseconds. */
export const wait = z
  .string()
  .regex(/^(0|[1-9][0-9]?)$/, `must be a whole number from 0 to ${maxWaitSeconds}`)
  .describe(`How many seconds a read may wait for something, at most ${maxWaitSeconds}.`)
  .transform(Number)
  .refine((value) => value <= maxWaitSeconds, `must be at most ${maxWaitSeconds}`)
  .transform((seconds) => seconds * 1000);

/** `z.coerce.boolean()` takes "false" for true. */
export const flag = z
  .enum(['true', 'false'], 'must be true or false')
  .transform((text) => text === 'true');
