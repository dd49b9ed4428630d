import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, lossy, TcpProxy } from '../../../test/support/tcp-proxy.js';
import type { Scope } from '../scope.js';

/** What may be wrong with the network behind a proxy, changed while it runs. */
export class NetworkConditions {
  /** How long each chunk takes, in milliseconds. */
  latencyMs = 0;
  /** The share of the chunks that are lost, their connection with them. */
  losses = { response: 0, request: 0 };
  /** Connections stand, and nothing comes through: the peer is gone without a word. */
  isDead = false;
  /** What Redis tells subscribers is swallowed. */
  swallowsNotifications = false;
  readonly #proxies: TcpProxy[] = [];
  readonly #subscriptions = new WeakSet<object>();

  constructor(readonly random: () => number) {}

  /** Resolves with the port of a proxy before this one, where the network is as it is here. */
  async before(scope: Scope, port: number): Promise<number> {
    const proxy = await TcpProxy.start(port, this.fault);
    this.#proxies.push(scope.add(proxy, () => proxy.close()));
    return proxy.port;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const proxy of this.#proxies) proxy.cut();
  }

  readonly fault: Fault = async (chunk, from, connection) => {
    if (from === 'client' && /\bs?subscribe\b/i.test(chunk.toString('latin1', 0, 64))) {
      this.#subscriptions.add(connection);
    }
    if (this.latencyMs > 0) await sleep(this.latencyMs);
    if (this.isDead) return 'swallowed';
    const isNotification = from === 'service' && this.#subscriptions.has(connection);
    if (this.swallowsNotifications && isNotification) return 'swallowed';
    return lossy(this.random, this.losses)(chunk, from);
  };
}
