import { z } from 'zod';
import { errorTable } from '../errors.js';
import { eventSchema, maxBatchEvents } from '../events/event.js';
import { stopBody } from '../http/routes/stop-stream.js';
import { maxListedStreams } from '../store/stream-manager.js';

/** The schemas that the document names, each under the name that it has there. */
const registry = z.registry<{ id: string }>();

/** A schema, or a reference to one by its name. */
export type JsonSchema = Readonly<Record<string, unknown>>;

function named(id: string, schema: z.ZodType): JsonSchema {
  registry.add(schema, { id });
  return { $ref: uriOf(id) };
}

function uriOf(id: string): string {
  return `#/components/schemas/${id}`;
}

const offset = z.int().min(0).describe('a place in the stream: so many events lie before it');
const id = z
  .string()
  .describe('a place with a tag that tells whose it is, to resume from: `3-3592a1b6`');
const time = z.iso.datetime().describe('RFC 3339, by the clock of the store');
const streamStatus = z.enum(['open', 'complete', 'stopped', 'failed']);

const status = z.strictObject({
  nextOffset: offset,
  nextId: id,
  streamStatus,
  createdAt: time,
  updatedAt: time,
  expiresAt: time.nullable().describe('null when another program stored the stream without expiry'),
  ttlSeconds: z.number().describe('how long the stream is kept after its last event'),
});

const producer = z.strictObject({
  epoch: z.int().min(0),
  nextSeq: z.int().min(0).describe('the number that comes next in this epoch'),
});

/** What another program pushed comes as it is, so that no more than this is certain. */
const storedEvent = z
  .looseObject({ type: z.string() })
  .describe('an event as it was stored; one that came by this API has all fields but `data`');

const problem = z.strictObject({
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
    .describe('how many events of the body are in the stream; null when unknown'),
  storedAtLeast: z.int().min(0).optional().describe('with `stored: null`: how many for certain'),
  streamStatus: z.string().optional().describe('with `stream_ended`: how it ended, or `deleted`'),
  expectedSeq: z
    .int()
    .min(0)
    .optional()
    .describe('with `producer_gap`: the number that comes next'),
  line: z.int().min(1).optional().describe('of an NDJSON body: the line that was refused'),
});

export const eventRef = named('Event', eventSchema);
export const batchRef = named('Events', z.array(eventSchema).min(1).max(maxBatchEvents));
export const problemRef = named('Problem', problem);
export const statusRef = named('Status', status);
export const statusWithProducerRef = named(
  'StatusWithProducer',
  status.extend({
    producer: producer.nullable().optional().describe('with `?producer=`; null when unknown'),
  }),
);
export const streamListRef = named(
  'StreamList',
  z.strictObject({
    streams: z.array(status.extend({ messageId: z.string() })).max(maxListedStreams),
  }),
);
export const pageRef = named(
  'Page',
  z.strictObject({
    events: z.array(storedEvent).max(maxBatchEvents),
    nextOffset: offset,
    nextId: id,
    ended: z.boolean().describe('the stream has ended, and this page reaches its end'),
  }),
);
const appended = z.strictObject({
  offset: offset.describe('of the first event that was stored'),
  count: z.int().min(1).describe('how many events were stored'),
  nextOffset: offset,
});
export const appendedRef = named('Appended', appended);
export const duplicateRef = named(
  'Duplicate',
  appended.extend({ count: z.literal(0), duplicate: z.literal(true) }),
);
export const stopRequestRef = named('StopRequest', stopBody);
export const stopRef = named('Stopped', z.strictObject({ streamStatus }));

/** All of them, as they stand below `components`. */
export function componentSchemas(): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(registry, {
    io: 'input',
    uri: uriOf,
    override: dropPattern,
    unrepresentable: 'any', // `data`, which has its own type
  });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, bare(schema)]));
}

/** A date and time has its format; zod's pattern for one is of no use to people. */
function dropPattern({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
}

/** The document says by itself which dialect it speaks, and where the schema is. */
function bare({ $schema, $id, ...schema }: JsonSchema): JsonSchema {
  return schema;
}
