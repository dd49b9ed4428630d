import type { RouteOptions } from 'fastify';
import type { OpenAPIV3_1 } from 'openapi-types';
import { z } from 'zod';
import { type ErrorCode, errorTable } from '../errors.js';
import { components, toJsonSchema } from '../http/routes/route-metadata.js';

const problem = z
  .strictObject({
    type: z.string().describe('`urn:rejoin:problem:` and the code'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('for people'),
    code: z.enum(Object.keys(errorTable)).describe('for programs'),
    instance: z.string().describe('the path of the request, without its query'),
    stored: z
      .int()
      .min(0)
      .nullable()
      .optional()
      .describe('how many events of the body are stored; null when unknown'),
    storedAtLeast: z
      .int()
      .min(0)
      .optional()
      .describe('with `stored: null`: how many are certainly stored'),
    streamStatus: z.string().optional().describe('with `stream_ended`: how it ended, or `deleted`'),
    expectedSeq: z
      .int()
      .min(0)
      .optional()
      .describe('with `producer_gap`: the number that comes next'),
    inputs: z
      .strictObject({ nextOffset: z.int().min(0) })
      .optional()
      .describe('with `inputs_gap` and `inputs_unread`: how many inputs there are'),
    line: z.int().min(1).optional().describe('the line of an NDJSON body that was rejected'),
  })
  .register(components, { id: 'Problem' });

/** The problems that a route responds with, by their status. */
export function problemResponses(route: RouteOptions): OpenAPIV3_1.ResponsesObject {
  const codes = codesOf(route);
  const reportsStored = route.config?.reportsStored ?? route.method === 'POST';
  const statuses = [...new Set(codes.map((code) => errorTable[code].status))];
  return Object.fromEntries(
    statuses.map((status) => {
      const own = codes.filter((code) => errorTable[code].status === status);
      return [status, toResponse(status, own, reportsStored)];
    }),
  );
}

/** The errors of the route itself, of ids and of access. */
function codesOf({ schema = {}, config }: RouteOptions): ErrorCode[] {
  const codes = [...(schema.problems ?? [])];
  if (schema.params !== undefined) codes.push('invalid_id');
  if (config?.access !== 'public') codes.push('unauthorized', 'forbidden');
  return codes;
}

function toResponse(
  status: number,
  codes: ErrorCode[],
  reportsStored: boolean,
): OpenAPIV3_1.ResponseObject {
  const examples = codes.map((code) => [code, { value: exampleOf(code, reportsStored) }]);
  const schema = {
    type: 'object',
    allOf: [toJsonSchema(problem)],
    properties: { status: { const: status }, code: { enum: codes } },
    ...(reportsStored && { required: ['stored'] }),
  } as OpenAPIV3_1.SchemaObject;
  return {
    description: codes.map((code) => `\`${code}\`: ${errorTable[code].title}.`).join(' '),
    ...headersOf(status, codes),
    content: { 'application/problem+json': { schema, examples: Object.fromEntries(examples) } },
  };
}

function headersOf(status: number, codes: readonly ErrorCode[]) {
  if (status === 401) return { headers: challenge };
  const mayRetry = codes.includes('overloaded') || codes.includes('too_many_feeds');
  if (status !== 429 && !mayRetry) return {};
  const schema = { type: 'integer', minimum: 1 } as const;
  const description = 'The number of seconds after which to retry.';
  const required = status === 429 && { required: true };
  return { headers: { 'Retry-After': { description, schema, ...required } } };
}

const challenge = {
  'WWW-Authenticate': {
    description: 'How to send a key, or a token.',
    schema: { type: 'string', pattern: '^Bearer' },
    required: true,
  },
} as const;

function exampleOf(code: ErrorCode, reportsStored: boolean) {
  const { status, title, stored } = errorTable[code];
  const base = { type: `urn:rejoin:problem:${code}`, title, status, detail: '…', code };
  const example = { ...base, instance: '/sessions/s1/messages/m1/events' };
  if (!reportsStored) return example;
  return { ...example, stored, ...(stored === null && { storedAtLeast: 0 }) };
}
