import { readdirSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { pagePolicy, servePage } from '../http/page.js';

/**
 * What the page shows comes from events of anyone. It is shown as text only, and could not run as a
 * script either: none runs but the page's own, and no script can create markup from text.
 */
const policy = pagePolicy("'self'", "require-trusted-types-for 'script'", "trusted-types 'none'");

const folder = new URL('./page/', import.meta.url);
const servedExtensions = /\.(js|css|svg)$/;

/** `GET /inspector`: the page that shows streams and lets newcomers try everything out. */
export function inspectorRoutes(app: FastifyInstance, hasDocs: boolean): void {
  const names = readdirSync(folder).filter((name) => servedExtensions.test(name));
  servePage(app, {
    path: '/inspector',
    html: new URL('inspector.html', folder),
    files: Object.fromEntries(names.map((name) => [name, new URL(name, folder)])),
    disabled: hasDocs ? [] : ['docs'],
    policy,
  });
}
