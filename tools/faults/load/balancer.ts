import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { isReadyAt } from '../../../test/support/service-process.js';
import type { Scope } from '../scope.js';

const probeMs = 200;

/** What stands before nodes: it probes `/readyz`, and hands connections to those that are ready. */
export class Balancer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #probes: NodeJS.Timeout;
  #ready: readonly number[];
  #turn = 0;

  private constructor(readonly ports: readonly number[]) {
    this.#ready = ports;
    this.#server = createServer((client) => this.#forward(client));
    this.#probes = setInterval(() => void this.#probe(), probeMs);
  }

  /** @param ports of the nodes on this machine */
  static async start(scope: Scope, ports: readonly number[]): Promise<Balancer> {
    const balancer = scope.add(new Balancer(ports), (started) => started.#close());
    balancer.#server.listen(0, '127.0.0.1');
    await once(balancer.#server, 'listening');
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #probe(): Promise<void> {
    const readiness = await Promise.all(
      this.ports.map((port) => isReadyAt(`http://127.0.0.1:${port}`, AbortSignal.timeout(5000))),
    );
    this.#ready = this.ports.filter((_, index) => readiness[index]);
  }

  #forward(client: Socket): void {
    this.#turn += 1;
    const port = this.#ready[this.#turn % this.#ready.length];
    const node = port === undefined ? null : connect(port, '127.0.0.1');
    this.#end(client, node);
    if (node === null) client.destroy();
    else {
      this.#end(node, client);
      client.pipe(node).pipe(client);
    }
  }

  /** Ends the other side with this one. */
  #end(socket: Socket, other: Socket | null): void {
    this.#sockets.add(socket);
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      this.#sockets.delete(socket);
      other?.destroy();
    });
  }

  #close(): void {
    clearInterval(this.#probes);
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
