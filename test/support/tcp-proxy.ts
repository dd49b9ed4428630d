import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/**
 * Decides on each chunk that passes: how many of its bytes get through. With fewer than all, the
 * connection is cut after them.
 */
export type Fault = (chunk: Buffer, from: 'client' | 'service') => number;

/** Loses answers after the service has given them, and now and then a request on its way. */
export function lossy(random: () => number, losses: { answer: number; request: number }): Fault {
  return (chunk, from) => {
    if (from === 'service') return random() < losses.answer ? 0 : chunk.length;
    return random() < losses.request ? Math.floor(random() * chunk.length) : chunk.length;
  };
}

/** Stands between a client and a service on this machine, and can cut what lies between them. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connectionCount = 0;
  readonly #targets = new Set<Socket>();
  /** Of `#targets`, those whose next bytes are lost. */
  readonly #losing = new WeakSet<Socket>();

  private constructor(
    readonly targetPort: number,
    readonly fault: Fault | undefined,
  ) {
    this.#server = createServer((client) => this.#forward(client));
  }

  static async start(targetPort: number, fault?: Fault): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort, fault);
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
    this.#join(client, target, 'client');
    this.#join(target, client, 'service');
  }

  #join(from: Socket, to: Socket, name: 'client' | 'service'): void {
    this.#sockets.add(from);
    if (this.fault === undefined) from.pipe(to);
    else from.pipe(this.#disturb(from, name, this.fault)).pipe(to);
    from.on('error', () => {}); // 'close' follows
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  #disturb(from: Socket, name: 'client' | 'service', fault: Fault): Transform {
    return new Transform({
      transform(chunk: Buffer, _encoding, done) {
        const passed = fault(chunk, name);
        done(null, chunk.subarray(0, passed));
        if (passed < chunk.length) setImmediate(() => from.destroy());
      },
    });
  }
}
