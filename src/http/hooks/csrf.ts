import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { ServiceError } from '../../errors.js';
import type { Origins } from './cors.js';

/** These change nothing. */
const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];

/**
 * The CSRF check: why a foreign page may not send this, unless that origin is listed; null
 * when nothing is wrong. A page can post without a body to any address that its user's browser
 * reaches, loopback too, and without asking first: so it could stop a stream.
 */
export function crossOriginError(request: FastifyRequest, origins: Origins): ServiceError | null {
  const isCrossOrigin = senderOf(request.raw.headers, origins) === 'cross-origin';
  return isCrossOrigin && isWrite(request) ? notListed() : null;
}

/**
 * A browser adds cookies to whatever any page asks for, so a cookie does not say who wants something
 * done: the request has to show that a listed page does. Browsers send at least one of the two
 * headers with a POST.
 *
 * @throws ServiceError `forbidden`
 */
export function rejectCookieOfOthers(request: FastifyRequest, origins: Origins): void {
  if (!isWrite(request) || senderOf(request.raw.headers, origins) === 'same-origin') return;
  throw new ServiceError('forbidden', 'with a cookie, only pages of listed origins may do this');
}

/** A route that is public, or none at all, changes nothing whatever the method. */
function isWrite({ method, is404, routeOptions }: FastifyRequest): boolean {
  return !(safeMethods.includes(method) || is404 || routeOptions.config.access === 'public');
}

function notListed(): ServiceError {
  return new ServiceError('forbidden', 'a page of an origin that is not listed may not do this');
}

/** Pages of listed origins count as the service's own. */
type Sender = 'same-origin' | 'cross-origin' | 'no browser';

/**
 * Pages cannot set either header. Where `Sec-Fetch-Site` is missing, since TLS is (Fetch Metadata,
 * section 3), the host of `Origin` has to be ours. Of what has neither, or `none` for a site, the page
 * is unknown; all of it may be a program, and some of it an old browser.
 */
function senderOf(headers: IncomingHttpHeaders, origins: Origins): Sender {
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (origin !== undefined && origins.has(origin)) return 'same-origin';
  if (site === 'none' || (site === undefined && origin === undefined)) return 'no browser';
  const isOwn = site === undefined ? hostOf(origin) === host : site === 'same-origin';
  return isOwn ? 'same-origin' : 'cross-origin';
}

function hostOf(origin = ''): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
