import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What processes have used so far, by the operating system's count. */
export interface Usage {
  /** User and system time. */
  readonly cpuUs: number;
  readonly residentKb: number;
}

/** The kernel counts in these, whatever its own clock is (`man 5 proc`, USER_HZ). */
const ticksPerSecond = 100;
const pageKb = 4;

/** The usage of these processes and of all that they have started. */
export function usageOf(pids: readonly number[]): Usage {
  const usages = withChildren(pids).map(process.platform === 'linux' ? fromProc : fromPs);
  return {
    cpuUs: sum(usages.map(({ cpuUs }) => cpuUs)),
    residentKb: sum(usages.map(({ residentKb }) => residentKb)),
  };
}

/**
 * What the kernel has in its own memory: sockets, buffers and files of all processes, of which those of the load
 * generator are as many as those of the server. NaN where that is not known.
 */
export function kernelKb(): number {
  if (process.platform !== 'linux') return Number.NaN;
  const slab = Number(/^Slab:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
  const pages = Number(/^TCP:.* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1]);
  return slab + pages * pageKb;
}

/** What all cores have worked so far, for any process; NaN where that is not known. */
export function machineCpuUs(): number {
  if (process.platform !== 'linux') return Number.NaN;
  const [, ...ticks] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] as string).split(/\s+/);
  const [user, nice, system, , , interrupts, softInterrupts, stolen] = ticks.map(Number);
  const busy = [user, nice, system, interrupts, softInterrupts, stolen] as number[];
  return (sum(busy) / ticksPerSecond) * 1e6;
}

function withChildren(pids: readonly number[]): number[] {
  return pids.flatMap((pid) => [pid, ...withChildren(childrenOf(pid))]);
}

function childrenOf(pid: number): number[] {
  const text =
    process.platform === 'linux'
      ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      : childrenByPs(pid);
  return text.split(/\s+/).filter(Boolean).map(Number);
}

function childrenByPs(pid: number): string {
  const rows = execFileSync('ps', ['-axo', 'ppid=,pid='], { encoding: 'utf8' }).split('\n');
  const pairs = rows.map((row) => row.trim().split(/\s+/));
  return pairs.flatMap(([parent, child]) => (Number(parent) === pid ? [child] : [])).join(' ');
}

/** The name of the program is in parentheses and may have spaces; what follows it is numbered. */
function fromProc(pid: number): Usage {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  const [userTicks, systemTicks, residentPages] = [field(14), field(15), field(24)];
  return {
    cpuUs: ((userTicks + systemTicks) / ticksPerSecond) * 1e6,
    residentKb: residentPages * pageKb,
  };
}

/** `time` is [[dd-]hh:]mm:ss, on macOS with hundredths. */
function fromPs(pid: number): Usage {
  const args = ['-o', 'time=,rss=', '-p', String(pid)];
  const [time = '', resident] = execFileSync('ps', args, { encoding: 'utf8' }).trim().split(/\s+/);
  const [clock = '', days = '0'] = time.split('-').reverse();
  const seconds = clock.split(':').reduce((total, part) => total * 60 + Number(part), 0);
  return { cpuUs: (Number(days) * 86_400 + seconds) * 1e6, residentKb: Number(resident) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
