import type { FastifyInstance } from 'fastify';

/** The scheme and the authority of a request target in absolute form. */
const authority = /^https?:\/\/[^/?#]*/i;

/**
 * The routes of an app by their paths alone, for requests whose method matches none. To register each
 * route for all other methods, more than thirty in Node, took a tenth of the time of a start.
 */
export class RouteTable {
  readonly #routes = new Map<string, { readonly path: RegExp; readonly methods: Set<string> }>();

  /** @param app all its routes are registered afterwards */
  constructor(app: FastifyInstance) {
    app.addHook('onRoute', ({ url, method }) => {
      const route = this.#routes.get(url) ?? { path: toRegExp(url), methods: new Set() };
      for (const name of [method].flat()) route.methods.add(name);
      this.#routes.set(url, route);
    });
  }

  /**
   * @param target the target of a request, which may be in absolute form
   * @returns the pattern of the path, and its methods as in `Allow`; null when no route has this path
   */
  find(target: string): { readonly url: string; readonly allow: string } | null {
    const path = decodePath(target);
    if (path === null) return null;
    for (const [url, { path: pattern, methods }] of this.#routes) {
      if (pattern.test(path)) return { url, allow: [...methods].sort().join(', ') };
    }
    return null;
  }
}

function toRegExp(url: string): RegExp {
  const escaped = url.replaceAll(/[^\w/:-]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll(/:\w+/g, '[^/]*')}$`);
}

/** Decodes a path like the router: `%2F` is no slash. Null when it cannot be decoded. */
function decodePath(target: string): string | null {
  const [path = ''] = target.replace(authority, '').split(/[?#]/, 1);
  try {
    return decodeURI(path);
  } catch {
    return null;
  }
}
