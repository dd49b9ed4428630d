import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';

export type Side = 'client' | 'service';

/**
 * How many bytes of a chunk get through, the connection being cut after fewer than all of them; or
 * what comes in their place.
 */
export type Fate = number | 'swallowed' | Buffer;

/**
 * Decides on each chunk that passes, maybe after a while.
 *
 * @param connection the same object for all that passes on one connection
 */
export type Fault = (chunk: Buffer, from: Side, connection: object) => Fate | Promise<Fate>;

/** Loses responses after the service has sent them, and now and then a request on its way. */
export function lossy(
  random: () => number,
  losses: { response: number; request: number },
): (chunk: Buffer, from: Side) => number {
  return (chunk, from) => {
    if (from === 'service') return random() < losses.response ? 0 : chunk.length;
    return random() < losses.request ? Math.floor(random() * chunk.length) : chunk.length;
  };
}

/** Stands between a client and a service on this machine, and can cut what lies between them. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Of `#sockets`, those of clients, each with the one that leads on. */
  readonly #targetOf = new Map<Socket, Socket>();
  #port = 0;
  #connectionCount = 0;
  /** Of the sockets that lead on, those whose next bytes are lost. */
  readonly #losing = new WeakSet<Socket>();

  private constructor(
    /** Where new connections lead, as a name does that is given to another server. */
    public targetPort: number,
    readonly fault: Fault | undefined,
  ) {
    this.#server = createServer((client) => this.#forward(client));
  }

  static async start(targetPort: number, fault?: Fault): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort, fault);
    await proxy.#listen(0);
    proxy.#port = (proxy.#server.address() as AddressInfo).port;
    return proxy;
  }

  get port(): number {
    return this.#port;
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

  /** Ends all connections with FIN, behind all that was passed on to the clients. */
  finish(): void {
    for (const [client, target] of this.#targetOf) {
      target.unpipe();
      client.end(() => client.destroy());
    }
  }

  /** Ends all connections with RST. */
  reset(): void {
    for (const client of this.#targetOf.keys()) client.resetAndDestroy();
  }

  /** Refuses connections, as when nothing listens. Those that are open stay. */
  stopAccepting(): void {
    this.#server.close();
  }

  /** Takes connections again, where it did before `stopAccepting`. */
  accept(): Promise<void> {
    return this.#listen(this.#port);
  }

  /** On each connection that is open, loses what the service says next, and destroys it then. */
  loseNextResponses(): void {
    for (const target of this.#targetOf.values()) this.#losing.add(target);
  }

  async close(): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, 'close') : null;
    this.#server.close();
    this.cut();
    await closed;
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  #forward(client: Socket): void {
    this.#connectionCount += 1;
    const target = connect(this.targetPort, '127.0.0.1');
    this.#targetOf.set(client, target);
    client.on('close', () => this.#targetOf.delete(client));
    target.on('data', () => {
      if (this.#losing.has(target)) client.destroy();
    });
    this.#join(client, target, 'client');
    this.#join(target, client, 'service');
  }

  #join(from: Socket, to: Socket, side: Side): void {
    this.#sockets.add(from);
    const connection = side === 'client' ? from : to;
    if (this.fault === undefined) from.pipe(to);
    else from.pipe(disturb(this.fault, side, connection)).pipe(to);
    from.on('error', () => {}); // 'close' follows
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}

/** Each chunk leaves when its fate is decided, and not before the one that came before it. */
function disturb(fault: Fault, side: Side, connection: Socket): Transform {
  let passing: Promise<void> = Promise.resolve();
  let isCut = false;
  const line = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const fate = fault(chunk, side, connection);
      passing = passing.then(async () => pass(chunk, await fate));
      done();
    },
    flush(done) {
      passing.then(() => done());
    },
  });
  function pass(chunk: Buffer, fate: Fate): void {
    if (fate === 'swallowed' || isCut || line.destroyed) return;
    if (Buffer.isBuffer(fate)) {
      line.push(fate);
      return;
    }
    line.push(chunk.subarray(0, fate));
    if (fate === chunk.length) return;
    isCut = true; // TCP delivers nothing past a gap
    setImmediate(() => connection.destroy());
  }
  return line;
}
