import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ServiceError } from '../../errors.js';
import { type Position, parsePosition, startOfStream } from '../../events/position.js';
import type { FeedHub } from '../../feed/feed-hub.js';
import type { FeedRejection } from '../../feed/feed-observer.js';
import {
  absentId,
  CompactFormat,
  type FeedFormat,
  NativeFormat,
} from '../../feed/formats/feed-format.js';
import { encodeComment, encodeDiscard, encodeRetry } from '../../sse/frame.js';
import type { RateLimit } from '../hooks/rate-limits.js';
import {
  feedRouteOptions,
  openFeed,
  sendIncomplete,
  setFeedHeaders,
  startFeed,
} from './feed-response.js';
import { followDocumentation } from './follow-documentation.js';
import { flag, notAPosition, streamParams } from './request-schemas.js';
import { messagePath } from './routes.js';
import { keepsTornLines } from './webkit.js';

/** The position that a client asks to resume from. */
interface ResumePoint {
  /** The id that the client sent; empty if it sent none, or an invalid one. */
  readonly id: string;
  readonly from: Position | 'now' | 'unknown';
  /** Whether the client was told, by a reset, that the stream does not exist. */
  readonly knowsAbsence: boolean;
}

const atStart: ResumePoint = { id: '', from: startOfStream, knowsAbsence: false };

/** For an invalid id, which gets a reset: after a 400, an EventSource would give up. */
const unknown: ResumePoint = { id: '', from: 'unknown', knowsAbsence: false };

const querystring = z.object({
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
  compact: flag
    .optional()
    .describe(
      'Whether adjacent stored chunks of one text come as one event, for a replay in few frames.',
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

/** The parts of a request that have the id, even before its query is validated. */
type ResumeRequest = Pick<FastifyRequest, 'headers' | 'query'>;

const nothing = Buffer.of();

const contentType = 'text/event-stream; charset=utf-8';

/** How long a client whose feed is rejected should wait. */
const retryAfterRejectionMs = 5000;

/** `GET …/stream`: the SSE feed. `HEAD` responds as `GET` would, without a body. */
export function followStreamRoute(
  app: FastifyInstance,
  feeds: FeedHub,
  rateLimit: RateLimit | null,
  maxEventBytes: number,
): void {
  const formatOf = shareFormats(feeds.options.heartbeatMs, maxEventBytes);
  app.withTypeProvider<ZodTypeProvider>().route({
    url: `${messagePath}/stream`,
    ...feedRouteOptions,
    schema: { params: streamParams, querystring, ...followDocumentation },
    config: { access: 'read' },
    preValidation: joinLastEventIds,
    errorHandler: (error, request, reply) => {
      // The keys of tokens are unavailable, so the token cannot be verified now.
      if (!(error instanceof ServiceError) || error.code !== 'backend_unavailable') throw error;
      feeds.observer.rejected('backend_unavailable');
      return sendRejection(request, reply, 'backend_unavailable');
    },
    handler: async (request, reply) => {
      const { params, query, accessEndsAt } = request;
      const { from, knowsAbsence } = lastSeen(request) ?? query.offset ?? atStart;
      const preface = prefaceOf(request);
      const format = formatOf(query);
      const startTimeoutMs = query.startTimeout ?? null;
      if (startTimeoutMs !== null && startTimeoutMs > feeds.options.waitMs) {
        const maxSeconds = Math.floor(feeds.options.waitMs / 1000);
        throw new ServiceError('invalid_query', `\`startTimeout\` must be at most ${maxSeconds}`);
      }
      const place = { stream: params, from, knowsAbsence, preface, startTimeoutMs };
      const feedRequest = { ...place, format, accessEndsAt };
      const waitSeconds = (await rateLimit?.(request)) ?? null;
      if (waitSeconds !== null) {
        feeds.observer.rejected('rate_limited');
        return sendRejection(request, reply, 'rate_limited', waitSeconds * 1000);
      }
      const opening = await openFeed(feeds, feedRequest, request.log);
      if (opening.kind === 'finished') return reply.code(204).send();
      if (opening.kind === 'rejected') {
        feeds.observer.rejected(opening.reason);
        return sendRejection(request, reply, opening.reason);
      }
      return startFeed(request, reply, params, opening, contentType);
    },
  });
}

/** Creates one format of each kind for all feeds, which share the encoded bytes of a page. */
function shareFormats(heartbeatMs: number, maxEventBytes: number) {
  const known = new Map<string, FeedFormat>();
  return ({ named, control, compact }: z.infer<typeof querystring>): FeedFormat => {
    const kind = String([named, control, compact].map(Boolean));
    const options = { isNamed: named, controlHeartbeatMs: control ? heartbeatMs : null };
    const format =
      known.get(kind) ??
      (compact ? new CompactFormat(options, maxEventBytes) : new NativeFormat(options));
    known.set(kind, format);
    return format;
  };
}

function parseResumePoint(text: string): ResumePoint | null {
  if (text === 'now') return { id: '', from: 'now', knowsAbsence: false };
  const from = parsePosition(text);
  return from === null ? null : { id: text, from, knowsAbsence: text === absentId };
}

/**
 * The id of the last frame that the client saw, from the header or else from the query. Without one, an
 * EventSource sends no header, and some clients an empty one.
 */
function lastSeen({ headers, query }: ResumeRequest): ResumePoint | null {
  const inQuery = (query as { lastEventId?: unknown }).lastEventId;
  const text = String(headers['last-event-id'] ?? '') || String(inQuery ?? '');
  if (text === '') return null;
  return (text === 'now' ? null : parseResumePoint(text)) ?? unknown;
}

/** Joins repeated ids by a comma, as Node does for the header, which makes them invalid. */
function joinLastEventIds({ query }: ResumeRequest, _reply: unknown, done: () => void): void {
  const given = query as { lastEventId?: unknown };
  if (Array.isArray(given.lastEventId)) given.lastEventId = given.lastEventId.join();
  done();
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
  reason: FeedRejection,
  retryMs = retryAfterRejectionMs,
) {
  request.log.debug({ reason }, 'A feed was rejected');
  setFeedHeaders(reply);
  reply.header('stream-refused', reason).type(contentType);
  const parts = [prefaceOf(request), encodeRetry(retryMs), encodeComment(`refused: ${reason}`)];
  return sendIncomplete(request, reply, Buffer.concat(parts));
}
