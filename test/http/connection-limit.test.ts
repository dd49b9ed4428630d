import { once } from 'node:events';
import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { openSocket } from '../support/raw-http.js';
import { scrapeText } from '../support/scrape.js';
import { waitFor } from '../support/wait-for.js';

describeApp('A connection beyond the limit', { server: { maxConnections: 2 } }, (source) => {
  async function open() {
    const socket = openSocket(source.app.url);
    await once(socket, 'connect');
    return socket;
  }

  /** Whether a request over a connection of its own gets a response. */
  async function isServed(): Promise<boolean> {
    const socket = await open();
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    await waitFor('the connection is closed', () => socket.destroyed);
    return socket.response.startsWith('HTTP/1.1 200 ');
  }

  async function dropped(): Promise<number> {
    let count = 0;
    await waitFor('there is room', async () => {
      const text = await scrapeText(source.app.url).catch(() => ''); // dropped itself
      count = Number(/^rejoin_connections_dropped_total (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
      return text !== '';
    });
    return count;
  }

  it('is closed without a response and counted, and accepted as soon as there is room', async () => {
    const [first] = [await open(), await open()];
    expect(await isServed()).toBe(false);
    first.destroy();
    await waitFor('there is room', isServed);
    expect(await dropped()).toBeGreaterThan(0);
  });
});
