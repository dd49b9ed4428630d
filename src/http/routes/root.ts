import { z } from 'zod';
import type { App } from './request-schemas.js';
import { components, jsonContent, noStore } from './route-metadata.js';

const link = z.string().describe('relative to this address');

const service = z
  .strictObject({
    name: z.literal('Rejoin'),
    version: z.string(),
    links: z.strictObject({
      inspector: link.optional(),
      docs: link.optional(),
      openapi: link.optional(),
      health: link,
      readiness: link,
    }),
  })
  .register(components, { id: 'Service' });

const healthLinks = { health: 'healthz', readiness: 'readyz' };
const docsLinks = { docs: 'docs', openapi: 'openapi.json' };

const schema = {
  operationId: 'getService',
  tags: ['Operators'],
  summary: 'Get the name and the version of the service, and where its pages are',
  response: {
    200: {
      description: 'The service, with links to the pages that are enabled.',
      headers: noStore,
      content: jsonContent(service, {
        name: 'Rejoin',
        version: '1.0.0',
        links: { ...docsLinks, ...healthLinks },
      }),
    },
    302: {
      description: 'For a client that accepts `text/html`: the inspector, or else the docs.',
      headers: {
        Location: {
          description: 'The page, relative to this address.',
          schema: { type: 'string' },
          required: true,
        },
      },
    },
  },
} as const;

/** `GET /`: redirects browsers to a page, and gives other clients the version and links. */
export function rootRoute(
  app: App,
  version: string,
  hasInspector: boolean,
  hasDocs: boolean,
): void {
  const links = {
    ...(hasInspector && { inspector: 'inspector' }),
    ...(hasDocs && docsLinks),
    ...healthLinks,
  };
  const page = links.inspector ?? links.docs;
  app.get('/', { schema, config: { access: 'public' } }, async ({ headers }, reply) => {
    const isBrowser = headers.accept?.includes('text/html') === true;
    if (isBrowser && page !== undefined) return reply.redirect(page);
    return { name: 'Rejoin' as const, version, links };
  });
}
