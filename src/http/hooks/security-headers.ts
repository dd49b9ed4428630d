import type { FastifyInstance, onRequestHookHandler } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route that responds with a page; without it, a browser may do nothing with a response. */
    contentSecurityPolicy?: string;
  }
}

/**
 * What a browser is told of a response that is no page. The address of a request may hold a token, so
 * nobody is to keep the response or to pass the address on. Not `Cross-Origin-Resource-Policy`: pages of
 * listed origins read feeds.
 */
export const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
} as const;

/** Lets pages do what the configuration of their routes says. */
export function setPagePolicies(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const policy = route.config?.contentSecurityPolicy;
    if (policy === undefined) return;
    const setPolicy: onRequestHookHandler = (_request, reply, done) => {
      reply.header('content-security-policy', policy);
      done();
    };
    route.onRequest = [route.onRequest ?? []].flat().concat(setPolicy);
  });
}
