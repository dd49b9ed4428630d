import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Which core each part of a measurement runs on; null where processes cannot be bound to cores. */
export interface Cores {
  readonly server: number;
  readonly generator: number;
  /** That of Redis: the generator's when there is no third one. */
  readonly store: number;
}

export const cores: Cores | null = findCores();

function findCores(): Cores | null {
  if (process.platform !== 'linux' || availableParallelism() < 2) return null;
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
  } catch {
    return null;
  }
  return { server: 0, generator: 1, store: availableParallelism() > 2 ? 2 : 1 };
}

/** Binds this process, all its threads, and what it starts from now on. */
export function bindGenerator(): void {
  if (cores !== null) bindProcess(process.pid, cores.generator);
}

export function bindProcess(pid: number, core: number): void {
  execFileSync('taskset', ['-a', '-p', '-c', String(core), String(pid)], { stdio: 'ignore' });
}

/** The command bound to the core of the server, where that can be. */
export function boundToServerCore(command: readonly string[]): [string, ...string[]] {
  const bound = cores === null ? [] : ['taskset', '-c', String(cores.server)];
  return [...bound, ...command] as [string, ...string[]];
}

export function coresText(): string {
  if (cores === null) return 'not bound to cores: no taskset here, or one core only';
  const { server, generator, store } = cores;
  return `server on core ${server}, load generator on core ${generator}, Redis on core ${store}`;
}
