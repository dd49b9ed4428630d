import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { ensureProgram, redisServer } from './debian-packages.js';
import { freePort } from './free-port.js';
import { waitFor } from './wait-for.js';

/** A real Redis of a test's own: a free port, its own data, gone when the test is. */
export class RedisServer {
  #process: ChildProcess | null = null;
  readonly #directory = mkdtempSync(join(tmpdir(), 'rejoin-redis-'));

  /** @param settings further settings, as on the command line of redis-server */
  private constructor(
    readonly port: number,
    readonly settings: readonly string[],
  ) {}

  static async start(...settings: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), settings);
    await server.start();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process?.pid as number;
  }

  /** Starts it, again after a `stop` or `kill`, on the same port and data. */
  async start(): Promise<void> {
    const fixed = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#directory];
    const own = this.settings.length > 0 ? this.settings : ['--save', '', '--appendonly', 'no'];
    this.#process = spawn(ensureProgram(redisServer), [...fixed, ...own], { stdio: 'ignore' });
    const client = this.client();
    await waitFor('Redis answers', async () => (await client.ping()) === 'PONG');
    client.disconnect();
  }

  /** A client of the test itself, which waits as long as it takes. The caller disconnects it. */
  client(options: { password?: string; username?: string; db?: number } = {}): Redis {
    const client = new Redis({
      host: '127.0.0.1',
      port: this.port,
      maxRetriesPerRequest: null,
      retryStrategy: () => 50,
      ...options,
    });
    client.on('error', () => {}); // it retries
    return client;
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  /** Ends it as a crash does; the data stays. */
  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = null;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, 'exit');
    running.kill('SIGKILL');
    await exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
