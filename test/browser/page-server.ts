import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from 'vitest';

/**
 * Serves a page from an origin of its own to all tests of a suite. It has to be a real one: Chromium
 * lets no page that it cannot place reach this machine.
 *
 * @param scripts that the page imports, by their paths
 */
export function pageServer(
  htmlOf: () => string | Promise<string>,
  scripts: Readonly<Record<string, string>> = {},
): { readonly origin: string } {
  let server: Server;
  beforeAll(async () => {
    const html = await htmlOf();
    server = createServer(({ url = '' }, response) => {
      const script = scripts[url];
      const type = script === undefined ? 'text/html' : 'text/javascript';
      response.setHeader('content-type', `${type}; charset=utf-8`).end(script ?? html);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    get origin() {
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
  };
}
