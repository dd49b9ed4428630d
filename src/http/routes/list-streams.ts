import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { maxListedStreams, type StreamManager } from '../../store/stream-manager.js';
import { components, jsonContent, noStore, storeErrors } from './documentation.js';
import { statusExample, statusSchema, toStatus } from './get-status.js';
import { sessionParams, sessionPath } from './request-schemas.js';

const streamList = z
  .strictObject({
    streams: z.array(statusSchema.extend({ messageId: z.string() })).max(maxListedStreams),
  })
  .register(components, { id: 'StreamList' });

const schema = {
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
export function listStreamsRoute(app: FastifyInstance, streams: StreamManager): void {
  app
    .withTypeProvider<ZodTypeProvider>()
    .get(sessionPath, { schema, config: { access: 'list' } }, async ({ params }) => {
      const listed = await streams.listStreams(params.sessionId);
      return { streams: listed.map(({ messageId, info }) => ({ messageId, ...toStatus(info) })) };
    });
}
