import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError, toLogFields } from '../../errors.js';
import { FeedConnection } from '../../feed/feed-connection.js';
import type { FeedHub, FeedRequest, Opening } from '../../feed/feed-hub.js';
import type { FeedRejection } from '../../feed/feed-observer.js';
import { Chunk } from '../../sse/frame.js';
import type { StreamId } from '../../store/stream-manager.js';
import { problemContentType, toReportedProblem } from '../problems/problem.js';
import { headerList } from './append-json.js';
import type { ResponseHeader } from './route-metadata.js';

type OpenFeed = Extract<Opening, { kind: 'open' }>;

/** The options that all routes with a feed share. */
export const feedRouteOptions = {
  method: ['GET', 'HEAD'] as ('GET' | 'HEAD')[],
  sse: 'only' as const,
  exposeHeadRoute: false,
  preSerialization: async (request: FastifyRequest, reply: FastifyReply, payload: unknown) =>
    reply.statusCode === 406 ? notAcceptable(request, reply) : payload,
};

/** Rejects a feed. @param waitSeconds how long the client should wait, if not as long as usual */
export type RejectFeed = (reason: FeedRejection, waitSeconds?: number) => FastifyReply | undefined;

/**
 * Opens a feed and begins the response, which the feed then writes to.
 * A handler returns the result: one that returned the reply would wait for the end of the feed, and be
 * kept in memory for as long.
 */
export async function serveFeed(
  request: FastifyRequest,
  reply: FastifyReply,
  feeds: FeedHub,
  feedRequest: FeedRequest,
  headers: Readonly<Record<string, string>>,
  reject: RejectFeed,
): Promise<FastifyReply | undefined> {
  const opening = await openFeed(feeds, feedRequest, request.log);
  if (opening.kind === 'finished') return reply.code(204).send();
  if (opening.kind === 'rejected') return reject(opening.reason);
  setFeedHeaders(reply);
  return startFeed(request, reply.headers(headers), feedRequest.stream, opening);
}

/** Errors on our side become rejections, since an EventSource gives up after a 5xx. */
async function openFeed(
  feeds: FeedHub,
  request: FeedRequest,
  log: FastifyBaseLogger,
): Promise<Opening> {
  try {
    return await feeds.open(request);
  } catch (error) {
    const isExpected = error instanceof ServiceError && error.code === 'backend_unavailable';
    if (!isExpected)
      log.error({ ...request.stream, ...toLogFields(error) }, 'A feed failed to open');
    return { kind: 'rejected', reason: 'backend_unavailable' };
  }
}

function startFeed(
  request: FastifyRequest,
  reply: FastifyReply,
  stream: StreamId,
  feed: OpenFeed,
): FastifyReply | undefined {
  if (request.method === 'HEAD') {
    feed.cancel();
    return reply.send();
  }
  // The plugin does not write to the response from here on: its promises never settle when the client
  // leaves while the socket is full, it drops `id: 0`, and it keeps a second copy of all headers.
  let client: FeedConnection;
  try {
    reply.sse.keepAlive();
    client = sendHead(request, reply);
  } catch (error) {
    feed.cancel();
    throw error;
  }
  const { log } = request;
  log.info(stream, 'A feed was opened');
  feed.start(client, (totals) => log.info({ ...stream, ...totals }, 'A feed was closed'));
  return undefined;
}

/** The plugin rejects requests that do not accept SSE; the response is a problem like any other. */
function notAcceptable(request: FastifyRequest, reply: FastifyReply) {
  const error = new ServiceError(
    'not_acceptable',
    'this route responds with text/event-stream only',
  );
  reply.type(problemContentType);
  return toReportedProblem(error, request);
}

/** Sends an incomplete body, so that the client reconnects for the rest. */
export function sendIncomplete(
  request: FastifyRequest,
  reply: FastifyReply,
  body: Buffer,
): FastifyReply | undefined {
  if (request.method === 'HEAD') return reply.send();
  const client = sendHead(request, reply);
  client.write(Chunk.of(body));
  client.end(false);
  return undefined;
}

/**
 * Sends the head of a response that others write to. HTTP/1.0 gets no chunks, even if the client accepts
 * them, and neither do the other versions that Node's parser accepts.
 */
function sendHead(request: FastifyRequest, reply: FastifyReply): FeedConnection {
  const { raw: response } = reply;
  const { socket, httpVersion } = request.raw;
  const isChunked = httpVersion === '1.1';
  if (!isChunked) {
    reply.header('connection', 'close');
    response.useChunkedEncodingByDefault = false;
  }
  response.writeHead(200, headerList(reply)).flushHeaders();
  reply.hijack();
  return new FeedConnection(response, socket, isChunked);
}

/** The headers of a feed, for the document. */
export const feedHeaders = {
  'Cache-Control': {
    description: 'No proxy may store the feed, or transform it.',
    schema: { const: 'no-cache, no-store, no-transform' },
    required: true,
  },
  'X-Accel-Buffering': {
    description: 'No proxy may buffer it.',
    schema: { const: 'no' },
    required: true,
  },
} as const satisfies Record<string, ResponseHeader>;

export function setFeedHeaders(reply: FastifyReply): void {
  reply
    .header('cache-control', 'no-cache, no-store, no-transform')
    .header('x-accel-buffering', 'no');
}

/**
 * Whether a request is that of an EventSource of WebKit, on iOS in every browser. After a connection
 * error it keeps the truncated line and data of the response, and reads the start of the next response
 * as their rest. All other engines drop both (WHATWG HTML, section 9.2.6).
 */
export function keepsTornLines(headers: IncomingHttpHeaders): boolean {
  const { 'cache-control': cacheControl, 'user-agent': agent = '' } = headers;
  const isWebKit = agent.includes('AppleWebKit/') && !/Chrom(?:e|ium)\//.test(agent);
  return isWebKit && cacheControl === 'no-cache'; // which every EventSource sends, and other requests of pages seldom
}
