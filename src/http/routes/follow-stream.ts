import type { FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import { z } from 'zod';
import { ServiceError } from '../../errors.js';
import type { FeedHub, FeedRequest } from '../../feed/feed-hub.js';
import type { FeedRejection } from '../../feed/feed-observer.js';
import { CompactFormat, type FeedFormat, NativeFormat } from '../../feed/formats/feed-format.js';
import { encodeComment, encodeDiscard, encodeRetry } from '../../sse/frame.js';
import type { LogId } from '../../store/stream-manager.js';
import type { RateLimit } from '../hooks/rate-limits.js';
import {
  feedHeaders,
  feedRouteOptions,
  keepsTornLines,
  type RejectFeed,
  sendIncomplete,
  serveFeed,
  setFeedHeaders,
} from './feed-response.js';
import {
  atStart,
  joinLastEventIds,
  lastSeen,
  parseResumePoint,
  type ResumeRequest,
} from './last-event-id.js';
import {
  type App,
  flag,
  inputsParams,
  messagePath,
  notAPosition,
  streamParams,
} from './request-schemas.js';
import { eventExample } from './route-metadata.js';

const inputsQuery = z.object({
  offset: z
    .string()
    .describe('An offset or an id to resume from, or `now` for the end; without one, the start.')
    .transform((text, context) => {
      const point = text === '' ? atStart : parseResumePoint(text);
      if (point !== null) return point;
      context.addIssue({ code: 'custom', message: `${notAPosition}, or now` });
      return z.NEVER;
    })
    .optional(),
  lastEventId: z
    .string()
    .describe(
      'Like the header `Last-Event-ID`, which takes precedence, for clients that cannot set it; takes precedence over `offset`.',
    )
    .optional(),
  named: flag.optional().describe('Whether frames have the type of their event as their name.'),
  control: flag
    .optional()
    .describe(
      'Whether the feed reports its state in events: `heartbeat`, `up-to-date` and `not-found`.',
    ),
  startTimeout: z
    .string()
    .regex(/^(0|[1-9]\d{0,6})$/, 'must be a number of seconds')
    .describe(
      'How many seconds the feed waits for a stream that does not exist, at most `feed.start_timeout`; without it, as long as a feed may last.',
    )
    .transform((text) => Number(text) * 1000)
    .optional(),
});

const querystring = inputsQuery.extend({
  compact: flag
    .optional()
    .describe(
      'Whether adjacent stored chunks of one text come as one event, for a replay in few frames.',
    ),
});

type Query = z.infer<typeof querystring>;

const description = `
Delivers the stored events and then new ones as they come, over server-sent events. A reader that was disconnected
resumes with the last id that it saw, by \`Last-Event-ID\` or \`?lastEventId=\`, and gets each later event once and in order.

- Each event is one frame, with its \`id\` and the event on one \`data:\` line. Frames have no name, unless \`named\` is true.
- With \`compact\`, adjacent stored chunks of one \`type\` and \`id\` come as the last of them, with the \`content\` of all. The
  id of its frame resumes after the last one. Live events come as they are.
- With \`control\`, the feed reports its own state in events: \`heartbeat\`, of which the first comes at once and each
  says in \`intervalMs\` how often they come, \`up-to-date\` and \`not-found\`. None has an id.
- \`event: reset\` says that the stream behind the id is gone or another one: discard what you have, all events are sent again.
- \`event: malformed\` stands for an element that another program wrote and that is no event.
- Any end without a terminal event means: resume with the last id. **204** means: you have all of it, or the stream
  does not exist, as you were told before.
- An EventSource gives up after any other status than 200. So a feed that cannot be served now is a 200 with
  \`Stream-Refused\` that is cut off at once.`;

const rejection = {
  'Stream-Refused': {
    description: 'The feed cannot be served now, and ends at once: come back later.',
    schema: { enum: ['draining', 'backend_unavailable', 'too_many_feeds', 'rate_limited'] },
  },
};

const examples = {
  events: {
    summary: 'Events',
    value: `retry: 2000\n: connected\ndata: ${JSON.stringify(eventExample)}\nid: 1-3592a1b6\n\n`,
  },
  control: {
    summary: 'Events of the feed itself, with `control`',
    value:
      'event: heartbeat\ndata: {"intervalMs":15000}\n\nevent: up-to-date\ndata: {"offset":17}\n\n',
  },
  reset: {
    summary: 'The stream is not the one that the id came from',
    value: 'event: reset\ndata: {"reason":"diverged","offset":0}\nid: 0\n\n',
  },
  malformed: {
    summary: 'An element that is no event',
    value: 'event: malformed\ndata: {"offset":3,"bytes":4}\nid: 4-9f2c01ab\n\n',
  },
  refused: {
    summary: 'Come back later',
    value: 'retry: 5000\n: refused: too_many_feeds\n',
  },
};

/** The metadata of the feed. It has no `storeErrors`, as it responds 200 when the store fails. */
const followDocumentation = {
  operationId: 'followStream',
  tags: ['Readers'],
  summary: 'Follow a stream: the SSE feed',
  description: description.trim(),
  requestHeaders: z.object({
    'Last-Event-ID': z
      .string()
      .describe(
        'The id of the last frame, such as `2-17f32cff`, which an EventSource sends automatically. It takes precedence over ' +
          '`lastEventId` and `offset`.',
      )
      .optional(),
  }),
  response: {
    200: {
      description: 'The feed.',
      headers: { ...feedHeaders, ...rejection },
      content: { 'text/event-stream': { schema: z.string(), examples } },
    },
    204: {
      description: 'The stream has ended and the reader has all of it, or it does not exist.',
    },
  },
  problems: ['invalid_offset', 'invalid_query', 'not_acceptable'],
} as const satisfies FastifySchema;

const nothing = Buffer.of();

const headers = { 'content-type': 'text/event-stream; charset=utf-8' };

/** How long a client whose feed is rejected should wait. */
const usualWaitSeconds = 5;

const inputsDocumentation = {
  ...followDocumentation,
  operationId: 'followInputs',
  tags: ['Inputs'],
  summary: 'Follow the inputs of a stream over SSE',
  description:
    'As events are followed, with the same ids, resets and control events, and with the scope `append` as well. The feed ends with its stream.',
} as const;

export interface FollowOptions {
  readonly feeds: FeedHub;
  readonly rateLimit: RateLimit | null;
  readonly maxEventBytes: number;
}

/**
 * `GET …/stream`: the SSE feed of the events, and `GET …/inputs/stream`, that of the inputs. `HEAD` responds
 * as `GET` would, without a body.
 */
export function followRoutes(app: App, { feeds, rateLimit, maxEventBytes }: FollowOptions): void {
  const formatOf = shareFormats(feeds.options.heartbeatMs, maxEventBytes);
  const route = {
    ...feedRouteOptions,
    preValidation: joinLastEventIds,
    errorHandler: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      // The keys of tokens are unavailable, so the token cannot be verified now.
      if (!(error instanceof ServiceError) || error.code !== 'backend_unavailable') throw error;
      return sendRejection(request, reply, feeds, 'backend_unavailable');
    },
  };
  const follow = async (request: FeedHttpRequest, reply: FastifyReply) => {
    const feedRequest = toFeedRequest(request, feeds, formatOf(request.query));
    const reject: RejectFeed = (reason, waitSeconds) =>
      sendRejection(request, reply, feeds, reason, waitSeconds);
    const waitSeconds = (await rateLimit?.(request)) ?? null;
    if (waitSeconds !== null) return reject('rate_limited', waitSeconds);
    return serveFeed(request, reply, feeds, feedRequest, headers, reject);
  };
  app.route({
    url: `${messagePath}/stream`,
    ...route,
    schema: { params: streamParams, querystring, ...followDocumentation },
    config: { access: 'read' },
    handler: (request, reply) => follow(request as FeedHttpRequest, reply),
  });
  app.route({
    url: `${messagePath}/inputs/stream`,
    ...route,
    schema: { params: inputsParams, querystring: inputsQuery, ...inputsDocumentation },
    config: { access: 'readInputs' },
    handler: (request, reply) => follow(request as FeedHttpRequest, reply),
  });
}

type FeedHttpRequest = FastifyRequest & { readonly params: LogId; readonly query: Query };

/** @throws ServiceError `invalid_query` */
function toFeedRequest(
  request: FeedHttpRequest,
  { options: { waitMs } }: FeedHub,
  format: FeedFormat,
): FeedRequest {
  const { params: stream, query, accessEndsAt } = request;
  const { from, knowsAbsence } = lastSeen(request) ?? query.offset ?? atStart;
  const startTimeoutMs = query.startTimeout ?? null;
  if (startTimeoutMs !== null && startTimeoutMs > waitMs) {
    const maxSeconds = Math.floor(waitMs / 1000);
    throw new ServiceError('invalid_query', `\`startTimeout\` must be at most ${maxSeconds}`);
  }
  const preface = prefaceOf(request);
  return { stream, from, knowsAbsence, preface, startTimeoutMs, format, accessEndsAt };
}

/** Creates one format of each kind for all feeds, which share the encoded bytes of a page. */
function shareFormats(heartbeatMs: number, maxEventBytes: number) {
  const known = new Map<string, FeedFormat>();
  return ({ named, control, compact }: Query): FeedFormat => {
    const kind = String([named, control, compact].map(Boolean));
    const options = { isNamed: named, controlHeartbeatMs: control ? heartbeatMs : null };
    const format =
      known.get(kind) ??
      (compact ? new CompactFormat(options, maxEventBytes) : new NativeFormat(options));
    known.set(kind, format);
    return format;
  };
}

/** The bytes that a client needs before anything else. */
function prefaceOf(request: ResumeRequest): Buffer {
  return keepsTornLines(request.headers) ? encodeDiscard(lastSeen(request)?.id ?? '') : nothing;
}

/**
 * Rejects a feed by an incomplete 200: after any other status, an EventSource never reconnects (WHATWG
 * HTML, section 9.2).
 */
function sendRejection(
  request: FastifyRequest,
  reply: FastifyReply,
  { observer }: FeedHub,
  reason: FeedRejection,
  waitSeconds = usualWaitSeconds,
) {
  observer.rejected(reason);
  request.log.debug({ reason }, 'A feed was rejected');
  setFeedHeaders(reply);
  reply.header('stream-refused', reason).headers(headers);
  const retry = encodeRetry(1000 * waitSeconds);
  const parts = [prefaceOf(request), retry, encodeComment(`refused: ${reason}`)];
  return sendIncomplete(request, reply, Buffer.concat(parts));
}
