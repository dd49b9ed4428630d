import type { FastifyInstance } from 'fastify';

/** The paths of all routes, from the tree that Fastify prints, of which each level is indented by four. */
export function routePaths(app: FastifyInstance): string[] {
  const parents: string[] = [];
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const match = /^([│ ]*)[├└]── (\S+) \(/.exec(line);
      if (match === null) return [];
      const [, indent, part] = match as unknown as [string, string, string];
      const depth = indent.length / 4;
      const path = (parents[depth - 1] ?? '') + part;
      parents[depth] = path;
      return [path];
    });
}
