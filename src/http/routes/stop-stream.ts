import { z } from 'zod';
import { ServiceError } from '../../errors.js';
import { parseEvents } from '../../events/parse-events.js';
import type { StreamId, StreamManager } from '../../store/stream-manager.js';
import { parseJsonBody } from '../body/json-body.js';
import { type RateLimit, rejectOverRate } from '../hooks/rate-limits.js';
import { type App, messagePath, streamParams } from './request-schemas.js';
import { components, jsonContent, storeErrors } from './route-metadata.js';
import { streamStatus } from './stream-status.js';

/** Max size of the body, with room for any reason, however it is escaped. */
const maxStopBytes = 16 * 1024;

type Streams = Pick<StreamManager, 'appendEvents' | 'getStatus'>;

const stopRequest = z
  .strictObject({ reason: z.string().max(1000).optional() })
  .register(components, { id: 'StopRequest' });

type StopRequest = z.infer<typeof stopRequest>;

const stopped = z.strictObject({ streamStatus }).register(components, { id: 'Stopped' });

const description = `
Appends a \`stop\` event, once; the request is idempotent. A stream that does not exist is created by it, but not by a
token for a whole session.`;

const schema = {
  params: streamParams,
  operationId: 'stopStream',
  tags: ['Workers'],
  summary: 'Stop a stream on behalf of a reader or an operator',
  description: description.trim(),
  requestBody: { required: false, content: jsonContent(stopRequest, { reason: 'by the user' }) },
  response: {
    200: {
      description: 'How the stream has ended, now or before.',
      content: jsonContent(stopped, { streamStatus: 'stopped' }),
    },
  },
  problems: [
    'invalid_event',
    'invalid_json',
    'not_found',
    'request_timeout',
    'session_full',
    'body_too_large',
    'unsupported_media_type',
    'rate_limited',
    'overloaded',
    'store_full',
    ...storeErrors,
  ],
} as const;

/**
 * `POST …/stop`: ends a stream by a `stop` event, once: a stream that has ended keeps its ending. A stream
 * that does not exist is created by it, so that its worker is rejected at once; but not by a token for a
 * whole session, with which a reader could fill the session with new streams.
 */
export function stopStreamRoute(app: App, streams: Streams, rateLimit: RateLimit | null): void {
  app.post(
    `${messagePath}/stop`,
    {
      schema,
      config: { access: 'stop', reportsStored: true, takesBody: 'json' },
      bodyLimit: maxStopBytes,
      onRequest: rejectOverRate(rateLimit),
    },
    async ({ params, body, reader }, reply) => {
      const request = parseJsonBody(body, stopRequest);
      if (reader?.messageId === null) await requireStream(streams, params);
      const streamStatus = await stop(streams, params, request);
      return reply.send({ streamStatus });
    },
  );
}

/** A stream that expires right after this check is still created by its stop. */
async function requireStream(streams: Streams, stream: StreamId): Promise<void> {
  if ((await streams.getStatus(stream)) !== null) return;
  throw new ServiceError('not_found', 'there is no such stream');
}

async function stop(streams: Streams, stream: StreamId, request: StopRequest) {
  const event = { type: 'stop', done: true, ...(request.reason && { data: request }) };
  const text = Buffer.from(JSON.stringify(event));
  try {
    await streams.appendEvents(stream, parseEvents(text, { maxEventBytes: text.length }));
    return 'stopped';
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'stream_ended') {
      return error.details.streamStatus as z.infer<typeof streamStatus>;
    }
    throw error;
  }
}
