import { fastifyRateLimit } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { ServiceError } from '../errors.js';

/** Requests a second, on average over ten seconds; 0 sets no limit. */
export interface RateLimits {
  readonly appendsPerKey: number;
  readonly appendsPerAddress: number;
  readonly feedsPerKey: number;
  readonly feedsPerAddress: number;
}

/** Long enough for a burst, and short enough to wait for. */
const usualWindowMs = 10_000;

/** Counts a request. @returns in how many seconds it may come again; null when it may be served */
export type RateLimit = (request: FastifyRequest) => Promise<number | null>;

/** The limits there are; null where there is none, and then a request costs nothing. */
export interface RateLimiter {
  readonly appends: RateLimit | null;
  readonly feeds: RateLimit | null;
}

/**
 * Counts in the memory of this node: for each limit, the 5,000 keys or addresses that were seen last.
 *
 * @param keyIds of the producer keys: whether a request brings its secret was checked before
 * @param windowMs over which requests are counted
 */
export async function limitRates(
  app: FastifyInstance,
  limits: RateLimits,
  keyIds: readonly string[],
  windowMs = usualWindowMs,
): Promise<RateLimiter> {
  if (Object.values(limits).every((limit) => limit === 0)) return { appends: null, feeds: null };
  await app.register(fastifyRateLimit, { global: false });
  const known = new Set(keyIds);
  const ofKey = (perSecond: number) =>
    limitByKey(limitBy(app, perSecond, windowMs, keyIdIn), known);
  const ofAddress = (perSecond: number) => limitBy(app, perSecond, windowMs);
  return {
    appends: both(ofKey(limits.appendsPerKey), ofAddress(limits.appendsPerAddress)),
    feeds: both(ofKey(limits.feedsPerKey), ofAddress(limits.feedsPerAddress)),
  };
}

export function limitsAppends({ appendsPerKey, appendsPerAddress }: RateLimits): boolean {
  return appendsPerKey > 0 || appendsPerAddress > 0;
}

/** For a route that answers 429: before its body is read. */
export function refuseOverRate(limit: RateLimit | null): onRequestAsyncHookHandler[] {
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

/** A request without a key, where there are none, is counted by its address alone. */
function limitByKey(limit: RateLimit | null, known: ReadonlySet<string>): RateLimit | null {
  return limit && (async (request) => (known.has(keyIdIn(request)) ? limit(request) : null));
}

/** @param keyGenerator by default the address of the client; of IPv6, its /64 */
function limitBy(
  app: FastifyInstance,
  perSecond: number,
  timeWindow: number,
  keyGenerator?: (request: FastifyRequest) => string,
): RateLimit | null {
  if (perSecond === 0) return null;
  const max = Math.max(1, (perSecond * timeWindow) / 1000);
  const count = app.createRateLimit({ max, timeWindow, ...(keyGenerator && { keyGenerator }) });
  return async (request) => {
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

function keyIdIn({ headers }: FastifyRequest): string {
  return /^Bearer +([^.]+)\./i.exec(headers.authorization ?? '')?.[1] ?? '';
}
