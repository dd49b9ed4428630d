import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { pagePolicy, servePage } from '../http/page.js';

const { resolve } = createRequire(import.meta.url);

/** The icons in the style sheet are `data:` URLs. */
const policy = pagePolicy("'self' data:");

/** `GET /openapi.json`, the document, and `GET /docs`, the page that shows it and sends requests. */
export function docsRoutes(app: FastifyInstance, hasInspector: boolean): void {
  const options = { schema: { hide: true }, config: { access: 'public' } } as const;
  app.get('/openapi.json', options, async (_request, reply) =>
    reply.header('cache-control', 'no-cache').send(app.swagger()),
  );
  servePage(app, {
    path: '/docs',
    html: own('docs.html'),
    files: {
      'color-scheme.js': own('color-scheme.js'),
      'docs.js': own('docs.js'),
      'docs.css': own('docs.css'),
      'swagger-ui.css': swaggerUi('swagger-ui.css'),
      'swagger-ui-bundle.js': swaggerUi('swagger-ui-bundle.js'),
    },
    disabled: hasInspector ? [] : ['inspector'],
    policy,
  });
}

function own(name: string): URL {
  return new URL(`./page/${name}`, import.meta.url);
}

/** A file of Swagger UI, in its package. */
function swaggerUi(name: string): URL {
  return pathToFileURL(resolve(`@fastify/swagger-ui/static/${name}`));
}
