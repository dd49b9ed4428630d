import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { DemoError } from './demo-error.js';
import { type Backend, redisAddress, serviceSettings } from './service-settings.js';

const main = process.env.REJOIN_MAIN ?? resolve(import.meta.dirname, '../../dist/main.js');
const startLimitMs = 30_000;
const readyLimitMs = 5000;
const stopLimitMs = 10_000;
const readyIntervalMs = 200;
const keptLogLines = 5;

/** The service itself, as a process of its own. */
export class Service {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  /** Where no `config.yaml` or `.env` of the user's is found. */
  readonly #directory = mkdtempSync(join(tmpdir(), 'rejoin-demo-'));
  readonly #lastLines: string[] = [];
  #url: string | null = null;
  #redisError = 'no reply';

  private constructor(
    readonly backend: Backend,
    port: number,
    readonly signal: AbortSignal,
  ) {
    this.#child = spawn(process.execPath, [main], {
      cwd: this.#directory,
      env: serviceSettings(backend, port),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // Ctrl-C is for the demo, which stops the service when it is done with it
    });
    this.#exited = once(this.#child, 'close');
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      if (output !== null) createInterface(output).on('line', (line) => this.#note(line));
    }
    process.on('exit', () => this.#kill());
  }

  /** @throws DemoError when it does not start, or its backend cannot be reached */
  static async start(backend: Backend, port: number, signal: AbortSignal): Promise<Service> {
    const service = new Service(backend, port, signal);
    try {
      await service.#listens();
      await service.#isReady();
      return service;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }

  get url(): string {
    return this.#url as string;
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The end of its log. */
  get lastLines(): string {
    return this.#lastLines.join('\n');
  }

  async stop(): Promise<void> {
    if (!this.hasExited) {
      this.#child.kill('SIGTERM');
      const limit = setTimeout(() => this.#kill(), stopLimitMs);
      await this.#exited;
      clearTimeout(limit);
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #kill(): void {
    this.#child.kill('SIGKILL');
  }

  #note(line: string): void {
    this.#lastLines.push(line);
    if (this.#lastLines.length > keptLogLines) this.#lastLines.shift();
    const entry = parseLogLine(line);
    if (entry.msg?.startsWith('The service is listening')) this.#url = entry.url ?? null;
    if (entry.msg === 'Redis is unreachable') this.#redisError = entry.reason ?? this.#redisError;
  }

  async #listens(): Promise<void> {
    const deadline = performance.now() + startLimitMs;
    while (this.#url === null) {
      if (this.hasExited || performance.now() > deadline) throw await this.#notStarted();
      await sleep(20, undefined, { signal: this.signal });
    }
  }

  async #isReady(): Promise<void> {
    const deadline = performance.now() + readyLimitMs;
    while (!(await this.#respondsReady())) {
      if (performance.now() > deadline) throw this.#notReady();
      await sleep(readyIntervalMs, undefined, { signal: this.signal });
    }
  }

  async #respondsReady(): Promise<boolean> {
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(readyLimitMs)]);
    const response = await fetch(`${this.url}/readyz`, { signal }).catch(() => null);
    await response?.body?.cancel();
    return response?.ok ?? false;
  }

  async #notStarted(): Promise<DemoError> {
    if (this.hasExited) await this.#exited; // until then, not all that it said has been read
    return new DemoError(`The service does not start:\n${this.lastLines}`);
  }

  #notReady(): DemoError {
    const message =
      this.backend === 'redis'
        ? `Redis at ${redisAddress()} cannot be reached: ${this.#redisError}`
        : `The service does not get ready:\n${this.lastLines}`;
    return new DemoError(message);
  }
}

interface LogEntry {
  readonly msg?: string;
  readonly url?: string;
  readonly reason?: string;
}

function parseLogLine(line: string): LogEntry {
  try {
    return JSON.parse(line);
  } catch {
    return {}; // not of the logger: a warning of Node's, say
  }
}
