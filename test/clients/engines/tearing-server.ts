import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** How a connection breaks: both are errors to a client that has not had the last chunk. */
export const breaks = ['FIN', 'RST'] as const;

export interface Tear {
  /** How many bytes of the response come. */
  readonly after: number;
  readonly by: (typeof breaks)[number];
}

/** So that what was sent is read before a reset, which throws away what is not. */
const beforeResetMs = 30;

/**
 * Stands before a service. It records the response to `?record=`, and responds to the first request for each
 * URL with `?torn=` with the beginning of what it has recorded. All else passes.
 */
export class TearingServer {
  /** A response, from its head on, as far as it has come. */
  recorded: Buffer = Buffer.of();
  readonly #server: Server = createServer((client) => this.#serve(client));
  readonly #sockets = new Set<Socket>();
  readonly #torn = new Set<string>();

  /** @param change what to make of the head of a request that passes */
  private constructor(
    readonly servicePort: number,
    readonly change: (head: string) => string,
  ) {}

  static async start(
    serviceUrl: string,
    change: (head: string) => string = (head) => head,
  ): Promise<TearingServer> {
    const server = new TearingServer(Number(new URL(serviceUrl).port), change);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(client: Socket): void {
    this.#keep(client);
    client.once('data', (bytes) => {
      const head = bytes.toString('latin1');
      const path = head.split(' ', 2)[1] ?? '';
      const { after, by } = /[?&]torn=(?<after>\d+)-(?<by>\w+)/.exec(path)?.groups ?? {};
      if (after === undefined || this.#torn.has(path)) {
        this.#pass(client, head, path.includes('record='));
        return;
      }
      this.#torn.add(path);
      this.#tear(client, { after: Number(after), by: by as Tear['by'] });
    });
  }

  #pass(client: Socket, head: string, isRecorded: boolean): void {
    const service = connect(this.servicePort, '127.0.0.1');
    this.#keep(service);
    service.write(this.change(head), 'latin1');
    client.pipe(service).pipe(client);
    client.on('close', () => service.destroy());
    service.on('close', () => client.destroy());
    if (!isRecorded) return;
    service.on('data', (chunk) => {
      this.recorded = Buffer.concat([this.recorded, chunk]);
    });
  }

  #tear(client: Socket, { after, by }: Tear): void {
    const bytes = this.recorded.subarray(0, after);
    if (by === 'FIN') client.end(bytes);
    else client.write(bytes, () => setTimeout(() => client.resetAndDestroy(), beforeResetMs));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
