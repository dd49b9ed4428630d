import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a client and a service on this machine, and can cut what lies between them. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connectionCount = 0;
  readonly #targets = new Set<Socket>();
  /** Of `#targets`, those whose next bytes are lost. */
  readonly #losing = new WeakSet<Socket>();

  private constructor(readonly targetPort: number) {
    this.#server = createServer((client) => this.#forward(client));
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** How many connections clients have made so far. */
  get connectionCount(): number {
    return this.#connectionCount;
  }

  /** Destroys all connections, as a tunnel does that loses its way; new ones may come. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** On each connection that is open, loses what the service says next, and destroys it then. */
  loseNextAnswers(): void {
    for (const target of this.#targets) this.#losing.add(target);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  #forward(client: Socket): void {
    this.#connectionCount += 1;
    const target = connect(this.targetPort, '127.0.0.1');
    this.#targets.add(target);
    target.on('close', () => this.#targets.delete(target));
    target.on('data', () => {
      if (this.#losing.has(target)) client.destroy();
    });
    this.#join(client, target);
    this.#join(target, client);
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.pipe(to);
    from.on('error', () => {}); // 'close' follows
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
