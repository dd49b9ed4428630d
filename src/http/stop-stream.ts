import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ServiceError } from '../errors.js';
import { encodeEvents } from '../streams/encode-events.js';
import type { StreamId } from '../streams/stream-id.js';
import type { StreamManager } from '../streams/stream-manager.js';
import { parseJsonBody } from './json-body.js';
import { streamParams } from './request-schemas.js';
import { messagePath } from './routes.js';

type Appender = Pick<StreamManager, 'appendEvents'>;

/** Room for any reason, however it is escaped. */
const maxStopBytes = 16 * 1024;

export const stopBody = z.strictObject({ reason: z.string().max(1000).optional() });

type StopRequest = z.infer<typeof stopBody>;

/**
 * `POST …/stop`: asks the producer to stop, by a `stop` event. Once: a stream that has ended keeps
 * its ending. One that has not begun begins with it, so that its worker is refused at once.
 */
export function stopStreamRoute(app: FastifyInstance, streams: Appender): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    `${messagePath}/stop`,
    {
      schema: { params: streamParams },
      config: { access: 'stop', reportsStored: true, takesBody: 'json' },
      bodyLimit: maxStopBytes,
    },
    async ({ params, body }, reply) => {
      const request = parseJsonBody(body, stopBody);
      const streamStatus = await stop(streams, params, request);
      return reply.send({ streamStatus });
    },
  );
}

async function stop(streams: Appender, stream: StreamId, request: StopRequest) {
  const event = { type: 'stop', done: true, ...(request.reason && { data: request }) };
  const text = Buffer.from(JSON.stringify(event));
  try {
    await streams.appendEvents(stream, encodeEvents(text, { maxEventBytes: text.length }));
    return 'stopped';
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'stream_ended') {
      return error.details.streamStatus;
    }
    throw error;
  }
}
