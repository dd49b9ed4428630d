import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { ServiceError } from '../../errors.js';
import type { StreamManager } from '../../store/stream-manager.js';
import { leaseMs, producerEpoch } from './producer-headers.js';
import { streamParams } from './request-schemas.js';
import { messagePath } from './routes.js';
import { toStatus } from './stream-status.js';

/** `POST …/lease`: a sign of life without an event. Answers the status of the stream. */
export function renewLeaseRoute(app: FastifyInstance, streams: StreamManager): void {
  app
    .withTypeProvider<ZodTypeProvider>()
    .post(
      `${messagePath}/lease`,
      { schema: { params: streamParams }, config: { access: 'append' } },
      async ({ params, raw }, reply) => {
        const lease = leaseMs(raw);
        if (lease === undefined) {
          throw new ServiceError('invalid_header', 'Producer-Lease is missing');
        }
        const producer = producerEpoch(raw);
        const info = await streams.renewLease(params, { leaseMs: lease, producer });
        if (info === null) throw new ServiceError('not_found', 'there is no such stream');
        return reply.send(toStatus(info));
      },
    );
}
