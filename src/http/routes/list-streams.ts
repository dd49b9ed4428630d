import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { StreamManager } from '../../store/stream-manager.js';
import { sessionParams } from './request-schemas.js';
import { sessionPath } from './routes.js';
import { toStatus } from './stream-status.js';

/** `GET /sessions/:sid`: the streams of a session with their status, newest first. */
export function listStreamsRoute(app: FastifyInstance, streams: StreamManager): void {
  app
    .withTypeProvider<ZodTypeProvider>()
    .get(
      sessionPath,
      { schema: { params: sessionParams }, config: { access: 'list' } },
      async ({ params }) => {
        const listed = await streams.listStreams(params.sessionId);
        return { streams: listed.map(({ messageId, info }) => ({ messageId, ...toStatus(info) })) };
      },
    );
}
