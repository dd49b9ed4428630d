import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { StreamManager } from '../../store/stream-manager.js';
import { sessionParams, streamParams } from './request-schemas.js';
import { messagePath, sessionPath } from './routes.js';

type Streams = Pick<StreamManager, 'deleteStream' | 'listStreams'>;

/** `DELETE …` forgets one stream, `DELETE /sessions/:sid` all of a session, one after another. */
export function deleteRoutes(app: FastifyInstance, streams: Streams): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const config = { access: 'admin' } as const;
  routes.delete(
    messagePath,
    { schema: { params: streamParams }, config },
    async ({ params }, reply) => {
      await streams.deleteStream(params);
      return reply.code(204).send();
    },
  );
  routes.delete(
    sessionPath,
    { schema: { params: sessionParams }, config },
    async ({ params }, reply) => {
      await deleteSession(streams, params.sessionId);
      return reply.code(204).send();
    },
  );
}

/** More streams than one list has are found by listing again. */
async function deleteSession(streams: Streams, sessionId: string): Promise<void> {
  let listed = await streams.listStreams(sessionId);
  while (listed.length > 0) {
    for (const { messageId } of listed) await streams.deleteStream({ sessionId, messageId });
    listed = await streams.listStreams(sessionId);
  }
}
