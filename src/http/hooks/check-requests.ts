import type { FastifyInstance } from 'fastify';
import { isPreflight, type Origins, preflightHeaders, setCorsHeaders } from './cors.js';
import { crossOriginError } from './csrf.js';
import { cleanForwardedFor } from './forwarded-for.js';
import type { HostRule } from './host-rule.js';
import { transferCodingError } from './request-headers.js';
import { securityHeaders } from './security-headers.js';

export interface RequestChecks {
  /** Whether the client's address is told from `X-Forwarded-For`. */
  readonly trustsProxies: boolean;
  readonly hosts: HostRule;
  /** The origins whose pages may use the service. */
  readonly origins: Origins;
  /** Headers that these pages may send beside those that the service reads. */
  readonly corsHeaders: readonly string[];
}

/**
 * What every request passes first, whatever it leads to. One hook, since each costs every append; the
 * headers come first, so that pages can read why they are rejected, and preflights ahead of access,
 * since they bring no key.
 */
export function checkRequests(app: FastifyInstance, checks: RequestChecks): void {
  const { trustsProxies, hosts, origins } = checks;
  const preflight = preflightHeaders(checks.corsHeaders);
  app.addHook('onRequest', (request, reply, done) => {
    const { raw } = request;
    reply.headers(securityHeaders);
    const isListed = setCorsHeaders(raw, reply, origins);
    if (trustsProxies) cleanForwardedFor(raw);
    const error = hosts.errorOf(raw) ?? transferCodingError(raw, reply);
    if (error === null && isListed && isPreflight(raw)) {
      reply.code(204).headers(preflight).send();
      return;
    }
    done(error ?? crossOriginError(request, origins) ?? undefined);
  });
}
