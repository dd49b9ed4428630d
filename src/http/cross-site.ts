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
  app.addHook('onRequest', async (request) => {
    const { headers, method, is404, routeOptions } = request;
    if (headers.origin === undefined && headers['sec-fetch-site'] === undefined) return;
    if (is404 || routeOptions.config.access === 'public' || safeMethods.includes(method)) return;
    if (!isOtherSite(request, origins)) return;
    throw new ServiceError('forbidden', 'a page of an origin that is not listed may not do this');
  });
}

function isOtherSite({ headers }: FastifyRequest, origins: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin !== undefined && origins.includes(origin)) return false;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  // Browsers leave the other header out where there is no TLS, but never this one.
  return !URL.canParse(origin ?? '') || new URL(origin as string).host !== host;
}
