import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ServiceError } from '../../errors.js';
import type { Origins } from './origins.js';

/** These change nothing. */
const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];

/**
 * Refuses what a page of another origin sends, unless that origin is listed. A page can post
 * without a body to any address that its user's browser reaches, loopback too, and without asking
 * first: so it could stop a stream.
 */
export function refuseOtherSites(app: FastifyInstance, origins: Origins): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const isOther = senderOf(request.headers, origins) === 'other page';
    if (isOther && isWrite(request)) done(notListed());
    else done();
  });
}

/**
 * A browser adds cookies to whatever any page asks for, so a cookie does not say who wants something
 * done: the request has to show that a known page does. Browsers send at least one of the two
 * headers with a POST.
 *
 * @throws ServiceError `forbidden`
 */
export function refuseBlindCookie(request: FastifyRequest, origins: Origins): void {
  if (!isWrite(request) || senderOf(request.headers, origins) === 'known page') return;
  throw new ServiceError('forbidden', 'a cookie is good for this from listed origins only');
}

/** A route that is public, or none at all, changes nothing whatever the method. */
function isWrite({ method, is404, routeOptions }: FastifyRequest): boolean {
  return !(safeMethods.includes(method) || is404 || routeOptions.config.access === 'public');
}

function notListed(): ServiceError {
  return new ServiceError('forbidden', 'a page of an origin that is not listed may not do this');
}

/** Known are the pages of the service's own origin, and of those that are listed. */
type Sender = 'known page' | 'other page' | 'program';

/**
 * Pages cannot set either header. Where `Sec-Fetch-Site` is missing, since TLS is (Fetch Metadata,
 * section 3), the host of `Origin` has to be ours. Of what has neither, or `none` for a site, no page
 * is known; all of it may be a program, and some of it an old browser.
 */
function senderOf(headers: IncomingHttpHeaders, origins: Origins): Sender {
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (origin !== undefined && origins.has(origin)) return 'known page';
  if (site === 'none' || (site === undefined && origin === undefined)) return 'program';
  const isOwn = site === undefined ? hostOf(origin) === host : site === 'same-origin';
  return isOwn ? 'known page' : 'other page';
}

function hostOf(origin = ''): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
