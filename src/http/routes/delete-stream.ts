import type { StreamManager } from '../../store/stream-manager.js';
import {
  type App,
  messagePath,
  sessionParams,
  sessionPath,
  streamParams,
} from './request-schemas.js';
import { storeErrors } from './route-metadata.js';

type Streams = Pick<StreamManager, 'deleteStream' | 'listStreams'>;

const streamSchema = {
  params: streamParams,
  operationId: 'deleteStream',
  tags: ['Operators'],
  summary: 'Delete a stream',
  description:
    'Open feeds get a `reset`. For 60 seconds, a worker that resumes unaware of it cannot create the stream again.',
  response: { 204: { description: 'The stream was deleted, or did not exist.' } },
  problems: storeErrors,
} as const;

const sessionSchema = {
  params: sessionParams,
  operationId: 'deleteSession',
  tags: ['Operators'],
  summary: 'Delete all streams of a session, one after another',
  response: { 204: { description: 'The streams were deleted, or there were none.' } },
  problems: storeErrors,
} as const;

/** `DELETE …` deletes one stream, `DELETE /sessions/:sid` all of a session, one after another. */
export function deleteRoutes(app: App, streams: Streams): void {
  const config = { access: 'admin' } as const;
  app.delete(messagePath, { schema: streamSchema, config }, async ({ params }, reply) => {
    await streams.deleteStream(params);
    return reply.code(204).send();
  });
  app.delete(sessionPath, { schema: sessionSchema, config }, async ({ params }, reply) => {
    await deleteSession(streams, params.sessionId);
    return reply.code(204).send();
  });
}

/** Deletes all streams of a session. It lists them repeatedly, as one list is bounded. */
async function deleteSession(streams: Streams, sessionId: string): Promise<void> {
  let listed = await streams.listStreams(sessionId);
  while (listed.length > 0) {
    for (const { messageId } of listed) await streams.deleteStream({ sessionId, messageId });
    listed = await streams.listStreams(sessionId);
  }
}
