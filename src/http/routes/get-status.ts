import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ServiceError } from '../../errors.js';
import type { StreamManager } from '../../store/stream-manager.js';
import { maxProducerIdLength } from './producer-headers.js';
import { streamParams } from './request-schemas.js';
import { messagePath } from './routes.js';
import { toStatus } from './stream-status.js';

const querystring = z.object({
  producer: z
    .string()
    .min(1)
    .max(maxProducerIdLength)
    .optional()
    .describe('The id of a producer, to ask how far it is.'),
});

/** `GET …`: what is known of a stream, and with `?producer=` of one of its producers. */
export function getStatusRoute(app: FastifyInstance, streams: StreamManager): void {
  app
    .withTypeProvider<ZodTypeProvider>()
    .get(
      messagePath,
      { schema: { params: streamParams, querystring }, config: { access: 'read' } },
      async ({ params, query }) => {
        const info = await streams.getStatus(params, query.producer);
        if (info === null) throw new ServiceError('not_found', 'there is no such stream');
        const producer = query.producer === undefined ? {} : { producer: info.producer };
        return { ...toStatus(info), ...producer };
      },
    );
}
