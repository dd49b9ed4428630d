import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceMain } from './service-main.js';
import { waitFor } from './wait-for.js';

const listening = 'The service is listening';

type Exit = [code: number | null, signal: NodeJS.Signals | null];

/**
 * The service as users run it: a process of its own with only these settings; but without the
 * delay that gives load balancers time to take note, unless a test asks for it.
 */
export class ServiceProcess {
  /** What it has printed on both streams. */
  output = '';
  #listeningLine: Record<string, unknown> | undefined;
  readonly #child: ChildProcess;
  readonly #directory = mkdtempSync(join(tmpdir(), 'rejoin-service-'));
  readonly #exit: Promise<Exit>;

  /** @param args where it is started, and the `dist/main.js` of another version */
  constructor(
    environment: Record<string, string>,
    args: { directory?: string; main?: string } = {},
  ) {
    this.#child = spawn(process.execPath, [args.main ?? serviceMain], {
      cwd: args.directory ?? this.#directory,
      env: { PATH: process.env.PATH, DRAIN_DELAY: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#listeningLine ??= this.#findListeningLine();
      });
    }
    this.#exit = once(this.#child, 'exit') as Promise<Exit>;
  }

  static async listening(environment: Record<string, string>): Promise<ServiceProcess> {
    const service = new ServiceProcess({ PORT: '0', ...environment });
    await service.isListening();
    return service;
  }

  async isListening(): Promise<void> {
    await waitFor('the service listens', () => {
      if (this.#child.exitCode !== null) throw new Error(`it exited: ${this.output}`);
      return this.#listeningLine !== undefined;
    });
  }

  /** The lines of its log, but for one that has come in part. */
  get log(): Record<string, unknown>[] {
    const whole = this.output.split('\n').slice(0, -1);
    const lines = whole.filter((line) => line.startsWith('{'));
    return lines.map((line) => JSON.parse(line));
  }

  /** Where it listens. @throws before it does */
  get url(): string {
    if (this.#listeningLine === undefined) throw new Error(`it does not listen: ${this.output}`);
    return this.#listeningLine.url as string;
  }

  #findListeningLine(): Record<string, unknown> | undefined {
    if (!this.output.includes(listening)) return undefined;
    return this.log.find(({ msg }) => `${msg}`.startsWith(listening));
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves with how it ended. */
  async exit(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const [code, signal] = await this.#exit;
    rmSync(this.#directory, { recursive: true, force: true });
    return { code, signal };
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exit();
  }
}

/** Whether `/readyz` responds 200; false when nothing listens there. */
export async function isReadyAt(url: string, signal?: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: signal ?? null });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
