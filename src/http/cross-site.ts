import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors.js';

/** These change nothing. */
const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];

/**
 * Refuses what a page of another origin sends, unless that origin is listed. A page can post
 * without a body to any address that its user's browser reaches, loopback too, and without asking
 * first: so it could stop a stream.
 */
export function refuseOtherSites(app: FastifyInstance, origins: readonly string[]): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (isOtherSite(request, origins) && isWrite(request)) done(notListed());
    else done();
  });
}

/** A route that is public, or none at all, changes nothing whatever the method. */
function isWrite({ method, is404, routeOptions }: FastifyRequest): boolean {
  return !(safeMethods.includes(method) || is404 || routeOptions.config.access === 'public');
}

function notListed(): ServiceError {
  return new ServiceError('forbidden', 'a page of an origin that is not listed may not do this');
}

function isOtherSite({ headers }: FastifyRequest, origins: readonly string[]): boolean {
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (origin === undefined && site === undefined) return false; // a program
  if (origin !== undefined && origins.includes(origin)) return false;
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  // Browsers leave the other header out where there is no TLS, but never this one.
  return !URL.canParse(origin ?? '') || new URL(origin as string).host !== host;
}
