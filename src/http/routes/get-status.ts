import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ServiceError } from '../../errors.js';
import type { StreamManager } from '../../store/stream-manager.js';
import { components, jsonContent, noStore, storeErrors } from './documentation.js';
import { maxProducerIdLength } from './producer-headers.js';
import { streamParams } from './request-schemas.js';
import { messagePath } from './routes.js';
import { statusExample, statusSchema, toStatus } from './stream-status.js';

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
      headers: noStore,
      content: jsonContent(statusWithProducer, {
        ...statusExample,
        producer: { epoch: 1, nextSeq: 3 },
      }),
    },
  },
  problems: ['invalid_query', 'not_found', ...storeErrors],
} as const;

/** `GET …`: the status of a stream, and with `?producer=` of one of its producers. */
export function getStatusRoute(app: FastifyInstance, streams: StreamManager): void {
  app
    .withTypeProvider<ZodTypeProvider>()
    .get(messagePath, { schema, config: { access: 'read' } }, async ({ params, query }) => {
      const info = await streams.getStatus(params, query.producer);
      if (info === null) throw new ServiceError('not_found', 'there is no such stream');
      const producer = query.producer === undefined ? {} : { producer: info.producer };
      return { ...toStatus(info), ...producer };
    });
}
