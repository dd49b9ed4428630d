import type { Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { TcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';

const badGateway = Buffer.from(
  'HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n',
);

/** In the URL of the feed of events, not in that of the inputs. */
const feedOfEvents = '/m1/stream?';

/** Stands between a page and a service, and breaks their connections in the ways of real networks. */
export class FaultyProxy {
  #proxy!: TcpProxy;
  readonly #connections = new Set<object>();
  readonly #silent = new Set<object>();
  readonly #throughBadGateway = new WeakSet<object>();
  #badGateways = 0;
  #lostChunks = 0;

  /** Until the test is over. */
  static async start(serviceUrl: string): Promise<FaultyProxy> {
    const faulty = new FaultyProxy();
    const port = Number(new URL(serviceUrl).port);
    faulty.#proxy = await TcpProxy.start(port, (...passing) => faulty.#fate(...passing));
    onTestFinished(() => faulty.#proxy.close());
    return faulty;
  }

  get url(): string {
    return this.#proxy.url;
  }

  /** All connections that there are stay open, and nothing comes through any more. */
  async swallow(): Promise<void> {
    for (const connection of this.#connections) this.#silent.add(connection);
    await waitFor('something is lost', () => this.#lostChunks > 0);
  }

  /** Cuts all connections, and responds for the service when the page asks for the feed again. */
  async respondBadGateway(): Promise<void> {
    this.#badGateways = 2;
    this.#proxy.cut();
    await waitFor('the page is told so', () => this.#badGateways === 0);
  }

  /** Cuts all connections, and accepts no new ones until the page has met that. */
  async stopAccepting(page: Page): Promise<void> {
    let failures = 0;
    page.on('requestfailed', (request) => {
      const hasFailed = request.failure()?.errorText.includes('CONNECTION_REFUSED');
      if (hasFailed && request.url().includes(feedOfEvents)) failures += 1;
    });
    this.#proxy.stopAccepting();
    this.#proxy.cut();
    await waitFor('the page cannot connect', () => failures > 0);
    await this.#proxy.accept();
  }

  #fate(chunk: Buffer, from: 'client' | 'service', connection: object) {
    this.#connections.add(connection);
    if (this.#silent.has(connection)) {
      if (from === 'service') this.#lostChunks += 1;
      return 'swallowed';
    }
    if (from === 'service')
      return this.#throughBadGateway.has(connection) ? badGateway : chunk.length;
    if (this.#badGateways > 0 && chunk.includes(feedOfEvents)) {
      this.#badGateways -= 1;
      this.#throughBadGateway.add(connection);
    }
    return chunk.length;
  }
}

type Injection = (proxy: FaultyProxy, page: Page) => Promise<void>;

/** What becomes of a connection. Each function resolves when the page has met it. */
export const connectionFaults = [
  ['is half-open', (proxy) => proxy.swallow()],
  ['is cut, and then gets 502', (proxy) => proxy.respondBadGateway()],
  ['is cut, and then finds no listener', (proxy, page) => proxy.stopAccepting(page)],
] as const satisfies readonly (readonly [string, Injection])[];
