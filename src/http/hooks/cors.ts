import { type FastifyCorsOptions, fastifyCors } from '@fastify/cors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Origins } from './origins.js';

const methods = ['GET', 'HEAD', 'POST', 'DELETE'];

/** Those that the service reads. */
const ownHeaders = [
  'Authorization',
  'Content-Type',
  'Last-Event-ID',
  'Producer-Id',
  'Producer-Epoch',
  'Producer-Seq',
  'Producer-Lease',
  'Stream-TTL',
];

const exposedHeaders = ['Stream-Next-Offset', 'Stream-Refused'];

/** How long a browser may rely on a preflight; Chromium keeps none for longer. */
const maxAge = 7200;

const answer: FastifyCorsOptions = {
  methods,
  exposedHeaders,
  maxAge,
  credentials: true,
};

/**
 * Lets pages of these origins, and of no other, use the service. Preflights need no key.
 *
 * @param headers that they may send beside those that the service reads
 */
export async function allowOrigins(
  app: FastifyInstance,
  origins: Origins,
  headers: readonly string[],
) {
  if (origins.isEmpty) return;
  const allowedHeaders = withoutRepeats([...ownHeaders, ...headers]);
  // The plugin's own route: it is reached by an OPTIONS that is no preflight and has no other.
  app.addHook('onRoute', (route) => {
    if (route.url === '*') route.config = { ...route.config, access: 'public' };
  });
  await app.register(fastifyCors, {
    delegator: ({ headers }, done) => {
      const preflight = headers['access-control-request-method'] !== undefined;
      const origin = allowedOrigin(headers.origin, origins);
      done(null, { ...answer, allowedHeaders, preflight, origin });
    },
  });
}

/** Each name once, in whatever letters. */
function withoutRepeats(names: readonly string[]): string[] {
  const lower = names.map((name) => name.toLowerCase());
  return names.filter((_, index) => lower.indexOf(lower[index] as string) === index);
}

/** What an answer says to a request that names no origin: to one that does, it would differ. */
export function varyHeaders(origins: Origins): Readonly<Record<string, string>> {
  return origins.isEmpty ? {} : { vary: 'Origin' };
}

/** For an answer that Fastify gives before it runs any hook: to a path that it cannot decode. */
export function setCorsHeaders(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  origins: Origins,
): FastifyReply {
  reply.headers(varyHeaders(origins));
  const origin = allowedOrigin(headers.origin, origins);
  if (origin === false) return reply;
  return reply
    .header('access-control-allow-origin', origin)
    .header('access-control-allow-credentials', 'true')
    .header('access-control-expose-headers', exposedHeaders.join(', '));
}

function allowedOrigin(origin: string | undefined, origins: Origins): string | false {
  return origin !== undefined && origins.has(origin) && origin;
}
