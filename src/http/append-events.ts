import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { ServiceError } from '../errors.js';
import { type EncodeLimits, encodeEvents } from '../streams/encode-events.js';
import type { StreamManager } from '../streams/stream-manager.js';
import { streamParams } from './request-schemas.js';
import { messagePath } from './routes.js';

/** `POST …/events`: appends one event, or an array of them whole or not at all. */
export function appendEventsRoute(
  app: FastifyInstance,
  streams: StreamManager,
  limits: EncodeLimits,
): void {
  app
    .withTypeProvider<ZodTypeProvider>()
    .post(
      `${messagePath}/events`,
      { schema: { params: streamParams }, config: { access: 'append', reportsStored: true } },
      async (request, reply) => {
        if (!Buffer.isBuffer(request.body))
          throw new ServiceError('invalid_json', 'the body is empty; nothing was stored');
        const events = encodeEvents(request.body, limits);
        const { offset, nextOffset } = await streams.appendEvents(request.params, events);
        request.log.debug(
          { ...request.params, offset, count: events.length },
          'Events were appended',
        );
        return reply
          .code(201)
          .header('stream-next-offset', nextOffset)
          .send({ offset, count: events.length, nextOffset });
      },
    );
}
