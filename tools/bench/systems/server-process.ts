import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../../test/support/wait-for.js';
import { boundToServerCore } from '../cores.js';

/** A server in a directory of its own, on the core that servers have. */
export class ServerProcess {
  readonly directory = mkdtempSync(join(tmpdir(), 'rejoin-bench-'));
  #child: ChildProcess | null = null;

  /** Resolves when it accepts connections. @throws Error with what it printed, when it ends before */
  async start(
    command: readonly string[],
    port: number,
    environment: Record<string, string> = {},
  ): Promise<void> {
    const output = openSync(this.#outputFile, 'w');
    const [program, ...args] = boundToServerCore(command);
    const child = spawn(program, args, {
      cwd: this.directory,
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    this.#child = child;
    await waitFor('the server listens', () => {
      if (child.exitCode !== null) throw new Error(`${command.join(' ')} ended: ${this.#output}`);
      return accepts(port);
    });
  }

  get pid(): number {
    return this.#child?.pid as number;
  }

  /** For a process with `loop-delay.mjs`. */
  async longestBlockMs(): Promise<number> {
    const file = join(this.directory, 'loop-delay');
    rmSync(file, { force: true });
    this.#child?.kill('SIGWINCH');
    await waitFor('the process has written its loop delay', () => existsSync(file));
    return Number(readFileSync(file, 'utf8'));
  }

  /** @param signal SIGTERM for what has processes of its own, which would outlive it */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  get #outputFile(): string {
    return join(this.directory, 'output.log');
  }

  get #output(): string {
    return readFileSync(this.#outputFile, 'utf8').slice(-4000);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
