import { METHODS } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../../errors.js';

/** Answers 405 with `Allow` on the routes registered within `register`, for all other methods. */
export function refuseOtherMethods(app: FastifyInstance, register: () => void): void {
  const allowed = new Map<string, Set<string>>();
  let isCollecting = true;
  app.addHook('onRoute', ({ url, method }) => {
    if (!isCollecting) return;
    const known = allowed.get(url) ?? new Set<string>();
    for (const name of [method].flat()) known.add(name);
    if (known.has('GET')) known.add('HEAD'); // Fastify adds it, or the route has its own
    allowed.set(url, known);
  });
  register();
  isCollecting = false;
  // Every method that Node can parse, so that none of them is a fault of ours.
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
  }
  for (const [url, known] of allowed) refuse(app, url, known);
}

function refuse(app: FastifyInstance, url: string, allowed: ReadonlySet<string>): void {
  const allow = [...allowed].sort().join(', ');
  app.route({
    url,
    method: METHODS.filter((method) => method !== 'CONNECT' && !allowed.has(method)),
    exposeHeadRoute: false,
    schema: { hide: true },
    config: { access: 'public' }, // tells no more than the documents do
    // Before the body is read: whatever it is, the method is wrong.
    onRequest: async (_request, reply) => {
      reply.header('allow', allow);
      throw new ServiceError('method_not_allowed', `this route takes ${allow}`);
    },
    handler: async () => undefined,
  });
}
