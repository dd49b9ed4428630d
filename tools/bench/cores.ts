import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Which core each part of a measurement runs on; null where processes cannot be bound to cores. */
export interface Cores {
  readonly server: number;
  readonly generator: number;
  /** That of Redis: the generator's when there is no third one. */
  readonly store: number;
}

export const cores: Cores | null = findCores();

function findCores(): Cores | null {
  const [server, generator, third] = allowedCores();
  if (server === undefined || generator === undefined || !hasTaskset()) return null;
  return { server, generator, store: third ?? generator };
}

/** Those that this process may run on, as `0-2,5`; none where Linux does not tell. */
function allowedCores(): number[] {
  if (process.platform !== 'linux') return [];
  const status = readFileSync('/proc/self/status', 'utf8');
  const ranges = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1]?.split(',') ?? [];
  return ranges.flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function hasTaskset(): boolean {
  return spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0;
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
