import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import type { TestCertificates } from './certificates.js';
import { ensureProgram, redisServer } from './debian-packages.js';
import { freePort } from './free-port.js';
import { waitFor } from './wait-for.js';

interface ServerKind {
  readonly tls?: TestCertificates | undefined;
  /** Its settings are the lines of its file, where it notes what it learns. */
  readonly isSentinel?: boolean;
}

/** A real Redis of a test's own: a free port, its own data, gone when the test is. */
export class RedisServer {
  #process: ChildProcess | null = null;
  readonly #directory = mkdtempSync(join(tmpdir(), 'rejoin-redis-'));
  readonly #tls: TestCertificates | null;
  readonly #isSentinel: boolean;

  private constructor(
    readonly port: number,
    /** Further settings, as on the command line of redis-server; for Sentinel, lines of its file. */
    readonly settings: readonly string[],
    kind: ServerKind,
  ) {
    this.#tls = kind.tls ?? null;
    this.#isSentinel = kind.isSentinel ?? false;
    if (this.#isSentinel) writeFileSync(this.#sentinelFile, `${settings.join('\n')}\n`);
  }

  static start(...settings: string[]): Promise<RedisServer> {
    return RedisServer.startWith({}, ...settings);
  }

  /** @param kind with `tls`, it speaks nothing else */
  static async startWith(kind: ServerKind, ...settings: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), settings, kind);
    await server.start();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get endpoint(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.port };
  }

  get pid(): number {
    return this.#process?.pid as number;
  }

  /** Starts it, again after a `stop` or `kill`, on the same port and data. */
  async start(): Promise<void> {
    this.#process = spawn(ensureProgram(redisServer), this.#arguments, { stdio: 'ignore' });
    const client = this.client();
    await waitFor('Redis answers', async () => (await client.ping()) === 'PONG');
    client.disconnect();
  }

  /** A client of the test itself, which waits as long as it takes. The caller disconnects it. */
  client(options: Pick<RedisOptions, 'password' | 'username' | 'db'> = {}): Redis {
    const client = new Redis({
      host: '127.0.0.1',
      port: this.port,
      maxRetriesPerRequest: null,
      retryStrategy: () => 50,
      ...(this.#tls === null ? {} : { tls: { ca: this.#tls.ca, servername: this.#tls.name } }),
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
  get #sentinelFile(): string {
    return join(this.#directory, 'sentinel.conf');
  }

  get #arguments(): string[] {
    const port = String(this.port);
    const fixed = ['--port', port, '--bind', '127.0.0.1', '--dir', this.#directory];
    const tls = this.#tls?.serverSettings(port) ?? [];
    if (this.#isSentinel) return [this.#sentinelFile, '--sentinel', ...fixed, ...tls];
    const own = this.settings.length > 0 ? this.settings : ['--save', '', '--appendonly', 'no'];
    return [...fixed, ...own, ...tls];
  }
}
