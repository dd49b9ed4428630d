import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { ServiceError } from '../errors.js';
import { formatPosition, tagAfter } from '../streams/position.js';
import type { StreamInfo, StreamManager } from '../streams/stream-manager.js';
import { streamParams } from './request-schemas.js';
import { messagePath } from './routes.js';

/** `GET …`: what is known of a stream. */
export function getStatusRoute(app: FastifyInstance, streams: StreamManager): void {
  app
    .withTypeProvider<ZodTypeProvider>()
    .get(
      messagePath,
      { schema: { params: streamParams }, config: { access: 'read' } },
      async ({ params }, reply) => {
        const info = await streams.getStatus(params);
        if (info === null) throw new ServiceError('not_found', 'there is no such stream');
        return reply.header('cache-control', 'no-store').send(toJson(info));
      },
    );
}

function toJson(info: StreamInfo) {
  const { nextOffset, lastEvent, status, createdAt, updatedAt, expiresAt } = info;
  return {
    nextOffset,
    nextId: formatPosition(nextOffset, tagAfter(lastEvent)),
    streamStatus: status,
    createdAt: toRfc3339(createdAt),
    updatedAt: toRfc3339(updatedAt),
    expiresAt: expiresAt === null ? null : toRfc3339(expiresAt),
  };
}

function toRfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
