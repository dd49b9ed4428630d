import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ServiceError } from '../../errors.js';
import { startOfStream } from '../../events/position.js';
import type { FeedHub } from '../../feed/feed-hub.js';
import type { FeedRejection } from '../../feed/feed-observer.js';
import { UiMessageFormat } from '../../feed/formats/ai-sdk/ui-message-format.js';
import type { StreamManager } from '../../store/stream-manager.js';
import type { RateLimit } from '../hooks/rate-limits.js';
import { feedHeaders, feedRouteOptions, type RejectFeed, serveFeed } from './feed-response.js';
import { type App, sessionParams, sessionPath } from './request-schemas.js';
import { storeErrors } from './route-metadata.js';

/** How long a client whose feed is rejected should wait, in seconds. */
const usualWaitSeconds = 5;

const querystring = z.object({
  version: z
    .enum(['5', '6', '7'], 'must be 5, 6 or 7')
    .describe('The major version of the AI SDK that reads. Version 5 does not support approvals.')
    .optional(),
});

const description = `
The newest open stream of the session, from its start, as \`useChat({ resume: true })\` asks for it. Its events come
as chunks of the SDK's UI message stream. Only a stream that has ended completes the response: any other end
breaks the connection, and the page asks again.`;

const chunks = [
  ': connected\ndata: {"type":"start","messageId":"m1"}',
  'data: {"type":"text-start","id":"a1"}',
  'data: {"type":"text-delta","id":"a1","delta":"Cats sleep."}',
  'data: {"type":"text-end","id":"a1"}',
  'data: {"type":"finish"}',
  'data: [DONE]',
  '',
].join('\n\n');

const protocolHeader = {
  'X-Vercel-AI-UI-Message-Stream': {
    description: 'The protocol of the chunks.',
    schema: { const: 'v1' },
    required: true,
  },
};

const schema = {
  params: sessionParams,
  querystring,
  operationId: 'resumeChat',
  tags: ['Readers'],
  summary: 'Resume a chat of the AI SDK',
  description: description.trim(),
  response: {
    200: {
      description: 'The chunks.',
      headers: { ...feedHeaders, ...protocolHeader },
      content: {
        'text/event-stream': {
          schema: z.string(),
          examples: { chunks: { summary: 'An answer, and the end', value: chunks } },
        },
      },
    },
    204: { description: 'No stream of the session is open.' },
  },
  problems: ['not_acceptable', 'draining', 'too_many_feeds', ...storeErrors],
} as const;

/** As the AI SDK itself sets them. */
const headers = { 'content-type': 'text/event-stream', 'x-vercel-ai-ui-message-stream': 'v1' };

/**
 * `GET /ai-sdk/sessions/:sid/stream`: the newest open stream of a session, from its start, as the
 * transport of the AI SDK's `useChat` asks for it to resume; 204 when there is none.
 */
export function resumeChatRoute(
  app: App,
  streams: StreamManager,
  feeds: FeedHub,
  rateLimit: RateLimit | null,
  maxEventBytes: number,
): void {
  app.route({
    url: `/ai-sdk${sessionPath}/stream`,
    ...feedRouteOptions,
    schema,
    config: { access: 'read' },
    errorHandler: (error, request, reply) => {
      // The store or the keys of tokens may be unavailable now.
      const isUnknown = error instanceof ServiceError && error.code === 'backend_unavailable';
      if (isUnknown && !reply.hasHeader('retry-after'))
        rejectFeed(request, reply, feeds, error.code, usualWaitSeconds, error);
      throw error;
    },
    handler: async (request, reply) => {
      const reject: RejectFeed = (reason, waitSeconds) =>
        rejectFeed(request, reply, feeds, reason, waitSeconds);
      const waitSeconds = (await rateLimit?.(request)) ?? null;
      if (waitSeconds !== null) return reject('rate_limited', waitSeconds);
      const rejection = feeds.rejection();
      if (rejection !== null) return reject(rejection);
      const { sessionId } = request.params;
      const messageId = await streams.findOpenStream(sessionId);
      if (messageId === null) return reply.code(204).send();
      const knowsApprovals = request.query.version !== '5';
      const feedRequest = {
        stream: { sessionId, messageId },
        from: startOfStream,
        // The stream existed a moment ago; if it does not any more, do not wait for another one.
        knowsAbsence: true,
        startTimeoutMs: null,
        preface: Buffer.of(),
        format: new UiMessageFormat(messageId, maxEventBytes, knowsApprovals),
        accessEndsAt: request.accessEndsAt,
      };
      return serveFeed(request, reply, feeds, feedRequest, headers, reject);
    },
  });
}

const rejections: Readonly<Record<FeedRejection, ServiceError>> = {
  draining: new ServiceError('draining', 'this node is shutting down'),
  too_many_feeds: new ServiceError('too_many_feeds', 'the maximum number of feeds is open'),
  rate_limited: new ServiceError('too_many_feeds', 'too many feeds were opened in a short time'),
  backend_unavailable: new ServiceError('backend_unavailable', 'the store does not respond'),
};

/** Rejects a feed by its status, which the AI SDK handles, unlike an EventSource. */
function rejectFeed(
  { log }: FastifyRequest,
  reply: FastifyReply,
  { observer }: FeedHub,
  reason: FeedRejection,
  waitSeconds = usualWaitSeconds,
  error = rejections[reason],
): never {
  observer.rejected(reason);
  log.debug({ reason }, 'A feed was rejected');
  reply.header('retry-after', waitSeconds);
  throw error;
}
