import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { KeyRing } from '../access/key-ring.js';
import type { ProducerKey, Scope } from '../access/producer-key.js';
import { ServiceError } from '../errors.js';

/** Who may use a route: anybody, or who has a key with this scope. */
export type Access = Scope | 'public';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route says it: `requireAccess` takes no other. */
    access?: Access;
  }
}

/**
 * Guards all routes that are registered afterwards, each as it says itself. Without keys everything
 * is open, but a route must say it all the same.
 */
export function requireAccess(app: FastifyInstance, keys: readonly ProducerKey[]): void {
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.access === undefined) {
      throw new Error(`${method} ${url} does not say who may use it (config.access)`);
    }
  });
  if (keys.length === 0) return;
  const ring = new KeyRing(keys);
  // Before the body is read: a stranger's is none of our business.
  app.addHook('onRequest', async (request, reply) => check(ring, request, reply));
}

function check(ring: KeyRing, request: FastifyRequest, reply: FastifyReply): void {
  const { access } = request.routeOptions.config;
  if (request.is404 || access === 'public') return;
  const key = findKey(ring, request, reply);
  if (access !== undefined && key.scopes.includes(access)) return;
  throw new ServiceError('forbidden', `the key lacks the scope ${access}`);
}

function findKey(ring: KeyRing, { headers }: FastifyRequest, reply: FastifyReply): ProducerKey {
  const { authorization } = headers;
  const key = authorization === undefined ? null : ring.find(authorization);
  if (key !== null) return key;
  reply.header('www-authenticate', 'Bearer');
  throw new ServiceError(
    'unauthorized',
    authorization === undefined
      ? 'this route needs a key: Authorization: Bearer <key id>.<secret>'
      : 'Authorization does not hold a key that is known here',
  );
}
