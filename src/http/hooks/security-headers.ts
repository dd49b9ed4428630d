import type { FastifyInstance, FastifyReply, onRequestHookHandler } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route that answers with a page; without it, a browser may do nothing with an answer. */
    contentSecurityPolicy?: string;
  }
}

/**
 * What a browser is told of an answer that is no page. The address of a request may hold a token, so
 * nobody is to keep the answer or to pass the address on. Not `Cross-Origin-Resource-Policy`: pages of
 * listed origins read feeds.
 */
export const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
} as const;

/** Sets them on every answer. A route sets others by `reply.header`, or by its configuration. */
export function setSecurityHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(securityHeaders);
    done();
  });
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

/** For an answer that Fastify gives before it runs any hook: to a path that it cannot decode. */
export function withSecurityHeaders(reply: FastifyReply): FastifyReply {
  return reply.headers(securityHeaders);
}
