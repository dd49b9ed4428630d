import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ServiceError, toLogFields } from '../errors.js';
import type { FeedRefusal } from '../feed/feed-observer.js';
import type { FeedRequest, Feeds, Opening } from '../feed/feeds.js';
import { resetOnAbsentId } from '../feed/subscriber.js';
import { encodeComment, encodeRetry } from '../sse/frame.js';
import { type Position, parsePosition, startOfStream } from '../streams/position.js';
import type { StreamId } from '../streams/stream-id.js';
import { pathOf, problemContentType, toProblem } from './problem.js';
import { flag, notAPosition, streamParams } from './request-schemas.js';
import { messagePath } from './routes.js';

/** Where a client says that it goes on. */
interface ResumePoint {
  readonly from: Position | 'now';
  /** Whether the client was told, by a reset, that the stream does not exist. */
  readonly knowsAbsence: boolean;
}

const atStart: ResumePoint = { from: startOfStream, knowsAbsence: false };

const querystring = z.object({
  offset: z
    .string()
    .describe('An offset or an id to go on from, or `now` for the end; without one, the start.')
    .transform((text, context) => {
      const point = parseResumePoint(text);
      if (point !== null) return point;
      context.addIssue({ code: 'custom', message: `${notAPosition}, or now` });
      return z.NEVER;
    })
    .optional(),
  named: flag.optional().describe('Whether frames carry the type of their event as their name.'),
});

/** What a client that is sent away is told to wait. */
const retryAfterRefusalMs = 5000;

type OpenFeed = Extract<Opening, { kind: 'open' }>;

/** `GET …/stream`: the SSE feed. `HEAD` answers as `GET` would, without a body. */
export function followStreamRoute(app: FastifyInstance, feeds: Feeds): void {
  app.withTypeProvider<ZodTypeProvider>().route({
    url: `${messagePath}/stream`,
    method: ['GET', 'HEAD'],
    sse: 'only',
    exposeHeadRoute: false,
    schema: { params: streamParams, querystring },
    config: { access: 'read' },
    preSerialization: async (request, reply, payload) =>
      reply.statusCode === 406 ? notAcceptable(request, reply) : payload,
    handler: async (request, reply) => {
      const { params, query } = request;
      const { from, knowsAbsence } = lastEventId(request) ?? query.offset ?? atStart;
      const named = query.named ?? false;
      const feedRequest = { stream: params, from, knowsAbsence, named };
      const opening = await openFeed(feeds, feedRequest, request.log);
      if (opening.kind === 'finished') return reply.code(204).send();
      if (opening.kind === 'refused') {
        feeds.observer.refused(opening.reason);
        return sendAway(request, reply, opening.reason);
      }
      return startFeed(request, reply, params, opening);
    },
  });
}

function parseResumePoint(text: string): ResumePoint | null {
  if (text === 'now') return { from: 'now', knowsAbsence: false };
  const from = parsePosition(text);
  return from === null ? null : { from, knowsAbsence: text === resetOnAbsentId };
}

/** An EventSource that has seen no id sends no header; some clients send an empty one. */
function lastEventId({ headers }: FastifyRequest): ResumePoint | null {
  const text = headers['last-event-id'];
  if (text === undefined || text === '') return null;
  const point = text === 'now' ? null : parseResumePoint(String(text));
  if (point === null) throw new ServiceError('invalid_offset', `Last-Event-ID ${notAPosition}`);
  return point;
}

/** Whatever fails on our side may work later, and an EventSource would not come back after a 5xx. */
async function openFeed(
  feeds: Feeds,
  request: FeedRequest,
  log: FastifyBaseLogger,
): Promise<Opening> {
  try {
    return await feeds.open(request);
  } catch (error) {
    const isExpected = error instanceof ServiceError && error.code === 'backend_unavailable';
    if (!isExpected)
      log.error({ ...request.stream, ...toLogFields(error) }, 'A feed failed to open');
    return { kind: 'refused', reason: 'backend_unavailable' };
  }
}

/** The plugin refuses by itself what does not accept SSE; the answer is a problem like any other. */
function notAcceptable(request: FastifyRequest, reply: FastifyReply) {
  const error = new ServiceError(
    'not_acceptable',
    'this route answers with text/event-stream only',
  );
  reply.type(problemContentType);
  return toProblem(error, pathOf(request));
}

/**
 * "Come back later" is a 200 that ends: after any other status, an EventSource never comes back
 * (WHATWG HTML, section 9.2).
 */
function sendAway(request: FastifyRequest, reply: FastifyReply, reason: FeedRefusal) {
  request.log.debug({ reason }, 'A feed was refused');
  setFeedHeaders(reply);
  reply.header('stream-refused', reason).type('text/event-stream; charset=utf-8');
  if (request.method === 'HEAD') return reply.send();
  return reply.send(
    Buffer.concat([encodeRetry(retryAfterRefusalMs), encodeComment(`refused: ${reason}`)]),
  );
}

function startFeed(
  request: FastifyRequest,
  reply: FastifyReply,
  stream: StreamId,
  feed: OpenFeed,
): FastifyReply {
  setFeedHeaders(reply);
  if (request.method === 'HEAD') {
    feed.cancel();
    return reply.type('text/event-stream; charset=utf-8').send();
  }
  reply.header('content-type', 'text/event-stream; charset=utf-8');
  // From here on the plugin leaves the response alone: its own sending never settles when the
  // client leaves while the socket is full, and drops `id: 0`.
  try {
    reply.sse.keepAlive();
    reply.sse.sendHeaders();
    reply.raw.flushHeaders();
  } catch (error) {
    feed.cancel();
    throw error;
  }
  request.log.info(stream, 'A feed was opened');
  feed.start({ response: reply.raw, socket: request.raw.socket }, (totals) =>
    request.log.info({ ...stream, ...totals }, 'A feed was closed'),
  );
  return reply;
}

function setFeedHeaders(reply: FastifyReply): void {
  reply.header('cache-control', 'no-cache, no-transform').header('x-accel-buffering', 'no');
}
