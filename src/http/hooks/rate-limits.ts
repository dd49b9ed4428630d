import { fastifyRateLimit, normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { ServiceError } from '../../errors.js';

/** Requests a second, on average over ten seconds; 0 sets no limit. */
export interface RateLimits {
  readonly appendsPerKey: number;
  readonly appendsPerAddress: number;
  readonly feedsPerKey: number;
  readonly feedsPerAddress: number;
}

/** Long enough for a burst, and short enough to wait for. */
const usualWindowMs = 10_000;

/** Who sends a request. */
type Sender = Pick<FastifyRequest, 'ip' | 'keyId' | 'reader'>;

/** What a request is counted by, or null when it is not. */
type CountedBy = (sender: Sender) => string | null;

const byKey: CountedBy = ({ keyId }) => keyId;

/** Readers append too, by stopping: whatever tokens they have of a session, they share its rate. */
const byKeyOrSession: CountedBy = ({ keyId, reader }) =>
  keyId ?? (reader && `session:${reader.sessionId}`);

/** Of IPv6 by the /64, and of IPv4 as such, however it is written. */
const byAddress: CountedBy = ({ ip = '' }) => normalizeIP(ip);

/** Counts a request. @returns in how many seconds it may come again; null when it may be served */
export type RateLimit = (sender: Sender) => Promise<number | null>;

/** The limits there are; null where there is none, and then a request costs nothing. */
export interface RateLimiter {
  readonly appends: RateLimit | null;
  readonly feeds: RateLimit | null;
}

/**
 * Counts in the memory of this node: for each limit, the 5,000 keys, sessions or addresses that were
 * seen last.
 *
 * @param windowMs over which requests are counted
 */
export async function limitRates(
  app: FastifyInstance,
  limits: RateLimits,
  windowMs = usualWindowMs,
): Promise<RateLimiter> {
  if (Object.values(limits).every((limit) => limit === 0)) return { appends: null, feeds: null };
  await app.register(fastifyRateLimit, { global: false });
  // Node reads an address once; after the client has left, there is none to be found.
  app.server.on('connection', (socket) => socket.remoteAddress);
  const limit = (perSecond: number, countedBy: CountedBy) =>
    limitBy(app, perSecond, windowMs, countedBy);
  return {
    appends: both(
      limit(limits.appendsPerKey, byKeyOrSession),
      limit(limits.appendsPerAddress, byAddress),
    ),
    feeds: both(limit(limits.feedsPerKey, byKey), limit(limits.feedsPerAddress, byAddress)),
  };
}

/** For a route that responds 429: before its body is read. */
export function rejectOverRate(limit: RateLimit | null): onRequestAsyncHookHandler[] {
  return limit === null ? [] : [(request) => requireRate(limit, request)];
}

/** Counts a request. @throws ServiceError `rate_limited` */
export async function requireRate(limit: RateLimit, sender: Sender): Promise<void> {
  const retryAfterSeconds = await limit(sender);
  if (retryAfterSeconds === null) return;
  const message = `too many requests: wait ${retryAfterSeconds} seconds`;
  throw new ServiceError('rate_limited', message, { retryAfterSeconds });
}

function limitBy(
  app: FastifyInstance,
  perSecond: number,
  timeWindow: number,
  countedBy: CountedBy,
): RateLimit | null {
  if (perSecond === 0) return null;
  const max = Math.max(1, (perSecond * timeWindow) / 1000);
  const count = app.createRateLimit({ max, timeWindow, keyGenerator: ({ id }) => id });
  return async (sender) => {
    const id = countedBy(sender);
    if (id === null) return null;
    // The plugin reads no more of a request: the append fast path has none of Fastify's.
    const counted = await count({ id, routeOptions: {} } as FastifyRequest);
    return !counted.isAllowed && counted.isExceeded ? counted.ttlInSeconds : null;
  };
}

function both(one: RateLimit | null, other: RateLimit | null): RateLimit | null {
  if (one === null || other === null) return one ?? other;
  return async (sender) => {
    const waits = [await one(sender), await other(sender)].filter((wait) => wait !== null);
    return waits.length === 0 ? null : Math.max(...waits);
  };
}
