import type { FastifyInstance } from 'fastify';

/** A route whatever its method. */
export interface RouteEntry {
  /** The pattern of its path, such as `/sessions/:sid`. */
  readonly url: string;
  /** The methods that it takes, as the header `Allow` lists them. */
  readonly allow: string;
}

/** The scheme and the authority of a request target in absolute form. */
const authority = /^https?:\/\/[^/?#]*/i;

/**
 * The routes of an app by their paths alone, for requests whose method has led to none. To register
 * each route for all other methods, which Node parses more than thirty of, took a tenth of a start.
 */
export class RouteTable {
  readonly #routes = new Map<string, { readonly path: RegExp; readonly methods: Set<string> }>();

  /** @param app of which all routes are registered afterwards */
  constructor(app: FastifyInstance) {
    app.addHook('onRoute', ({ url, method }) => {
      const route = this.#routes.get(url) ?? { path: toRegExp(url), methods: new Set() };
      for (const name of [method].flat()) route.methods.add(name);
      this.#routes.set(url, route);
    });
  }

  /**
   * @param target of a request, which may be in absolute form
   * @returns null when no method of this path is a route
   */
  find(target: string): RouteEntry | null {
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

/** As the router decodes it: `%2F` is no slash. Null when it cannot be decoded. */
function decodePath(target: string): string | null {
  const [path = ''] = target.replace(authority, '').split(/[?#]/, 1);
  try {
    return decodeURI(path);
  } catch {
    return null;
  }
}
