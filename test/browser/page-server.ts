import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from 'vitest';

/**
 * Serves a page from an origin of its own to all tests of a suite. It has to be a real one: Chromium
 * lets no page that it cannot place reach this machine.
 */
export function pageServer(htmlOf: () => string | Promise<string>): { readonly origin: string } {
  let server: Server;
  beforeAll(async () => {
    const html = await htmlOf();
    server = createServer((_, response) => {
      response.setHeader('content-type', 'text/html; charset=utf-8').end(html);
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
