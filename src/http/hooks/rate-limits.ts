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

/** What a request is counted by, or null when it is not. */
type CountedBy = (request: FastifyRequest) => string | null;

const byKey: CountedBy = ({ keyId }) => keyId;

/** Readers append too, by stopping: whatever tokens they have of a session, they share its rate. */
const byKeyOrSession: CountedBy = ({ keyId, reader }) =>
  keyId ?? (reader && `session:${reader.sessionId}`);

/** Of IPv6 by the /64, and of IPv4 as such, however it is written. */
const byAddress: CountedBy = ({ ip = '' }) => normalizeIP(ip);

/** Counts a request. @returns in how many seconds it may come again; null when it may be served */
export type RateLimit = (request: FastifyRequest) => Promise<number | null>;

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

export function limitsAppends({ appendsPerKey, appendsPerAddress }: RateLimits): boolean {
  return appendsPerKey > 0 || appendsPerAddress > 0;
}

/** For a route that responds 429: before its body is read. */
export function rejectOverRate(limit: RateLimit | null): onRequestAsyncHookHandler[] {
  if (limit === null) return [];
  return [
    async (request, reply) => {
      const waitSeconds = await limit(request);
      if (waitSeconds === null) return;
      reply.header('retry-after', waitSeconds);
      throw new ServiceError('rate_limited', `too many requests: wait ${waitSeconds} seconds`);
    },
  ];
}

function limitBy(
  app: FastifyInstance,
  perSecond: number,
  timeWindow: number,
  countedBy: CountedBy,
): RateLimit | null {
  if (perSecond === 0) return null;
  const max = Math.max(1, (perSecond * timeWindow) / 1000);
  const keyGenerator = (request: FastifyRequest) => countedBy(request) as string;
  const count = app.createRateLimit({ max, timeWindow, keyGenerator });
  return async (request) => {
    if (countedBy(request) === null) return null;
    const counted = await count(request);
    return !counted.isAllowed && counted.isExceeded ? counted.ttlInSeconds : null;
  };
}

function both(one: RateLimit | null, other: RateLimit | null): RateLimit | null {
  if (one === null || other === null) return one ?? other;
  return async (request) => {
    const waits = [await one(request), await other(request)].filter((wait) => wait !== null);
    return waits.length === 0 ? null : Math.max(...waits);
  };
}
