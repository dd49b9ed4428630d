import { z } from 'zod';
import { ServiceError } from '../../errors.js';
import { formatPosition, tagAt } from '../../events/position.js';
import {
  maxListedStreams,
  type StreamInfo,
  type StreamManager,
} from '../../store/stream-manager.js';
import { maxProducerIdLength } from './append-json.js';
import {
  type App,
  messagePath,
  sessionParams,
  sessionPath,
  streamParams,
} from './request-schemas.js';
import { components, inputsHeader, jsonContent, noStore, storeErrors } from './route-metadata.js';

export const offset = z
  .int()
  .min(0)
  .describe('a place in the stream: the number of events before it');

export const nextId = z
  .string()
  .describe('a place with a checksum that tells whose it is, to resume from: `3-3592a1b6`');

export const streamStatus = z.enum(['open', 'complete', 'stopped', 'failed']);

const time = z.iso.datetime().describe('RFC 3339, by the clock of the store');

export const statusSchema = z
  .strictObject({
    nextOffset: offset,
    nextId,
    streamStatus,
    createdAt: time,
    updatedAt: time,
    expiresAt: time
      .nullable()
      .describe('null when another program stored the stream without expiry'),
    ttlSeconds: z.number().describe('how long the stream is kept after its last event'),
    inputs: z
      .strictObject({
        nextOffset: offset.describe('the number of inputs'),
        ackOffset: offset.describe('the worker has taken in the inputs before it'),
      })
      .describe('how far the inputs go, and how far the worker has read them'),
  })
  .register(components, { id: 'Status' });

export const statusExample: z.infer<typeof statusSchema> = {
  nextOffset: 1,
  nextId: '1-3592a1b6',
  streamStatus: 'open',
  createdAt: '2026-01-01T12:00:02.120Z',
  updatedAt: '2026-01-01T12:00:02.120Z',
  expiresAt: '2026-01-01T13:00:02.120Z',
  ttlSeconds: 3600,
  inputs: { nextOffset: 0, ackOffset: 0 },
};

/** The status of a stream, as in JSON responses. */
export function toStatus(info: StreamInfo): z.infer<typeof statusSchema> {
  const { nextOffset, lastEvent, status, createdAt, updatedAt, expiresAt, ttlMs, inputs } = info;
  return {
    nextOffset,
    nextId: formatPosition(nextOffset, tagAt(nextOffset, lastEvent ?? undefined) ?? 0),
    streamStatus: status,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    ttlSeconds: ttlMs / 1000,
    inputs,
  };
}

const querystring = z.object({
  producer: z
    .string()
    .min(1)
    .max(maxProducerIdLength)
    .optional()
    .describe('The id of a producer, to get its epoch and its next number.'),
});

const producer = z.strictObject({
  epoch: z.int().min(0),
  nextSeq: z.int().min(0).describe('the number that comes next in this epoch'),
});

const statusWithProducer = statusSchema
  .extend({
    producer: producer.nullable().optional().describe('with `?producer=`; null when unknown'),
  })
  .register(components, { id: 'StatusWithProducer' });

const schema = {
  params: streamParams,
  querystring,
  operationId: 'getStatus',
  tags: ['Readers'],
  summary: 'Get the status of a stream',
  response: {
    200: {
      description: 'Where it ends, its status, its times, and the position of a producer.',
      headers: { ...noStore, ...inputsHeader },
      content: jsonContent(statusWithProducer, {
        ...statusExample,
        producer: { epoch: 1, nextSeq: 3 },
      }),
    },
  },
  problems: ['invalid_query', 'not_found', ...storeErrors],
} as const;

/** `GET …`: the status of a stream, and with `?producer=` of one of its producers. */
export function getStatusRoute(app: App, streams: StreamManager): void {
  app.get(messagePath, { schema, config: { access: 'read' } }, async ({ params, query }, reply) => {
    const info = await streams.getStatus(params, query.producer);
    if (info === null) throw new ServiceError('not_found', 'there is no such stream');
    reply.header('inputs-next-offset', info.inputs.nextOffset);
    const producer = query.producer === undefined ? {} : { producer: info.producer };
    return reply.send({ ...toStatus(info), ...producer });
  });
}

const streamList = z
  .strictObject({
    streams: z.array(statusSchema.extend({ messageId: z.string() })).max(maxListedStreams),
  })
  .register(components, { id: 'StreamList' });

const listSchema = {
  params: sessionParams,
  operationId: 'listStreams',
  tags: ['Readers'],
  summary: 'List the streams of a session',
  response: {
    200: {
      description: 'Newest first; a session without streams has an empty list.',
      headers: noStore,
      content: jsonContent(streamList, { streams: [{ messageId: 'm1', ...statusExample }] }),
    },
  },
  problems: storeErrors,
} as const;

/** `GET /sessions/:sid`: the streams of a session with their status, newest first. */
export function listStreamsRoute(app: App, streams: StreamManager): void {
  app.get(sessionPath, { schema: listSchema, config: { access: 'list' } }, async ({ params }) => {
    const listed = await streams.listStreams(params.sessionId);
    return { streams: listed.map(({ messageId, info }) => ({ messageId, ...toStatus(info) })) };
  });
}
