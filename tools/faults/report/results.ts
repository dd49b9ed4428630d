import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, type } from 'node:os';
import { allFaults } from '../all-faults.js';
import { type Findings, nothingFound } from '../findings.js';

/** What all runs of a fault came to. */
export interface FaultResult {
  readonly fault: string;
  readonly runs: number;
  readonly seed: number;
  readonly seconds: number;
  readonly day: string;
  /** Of the sources that were tested; with `+` when they had changes that are in no commit. */
  readonly commit: string;
  readonly machine: string;
  readonly findings: Findings;
}

export const resultsFile = 'docs/reliability.json';

export function resultOf(
  tested: Pick<FaultResult, 'fault' | 'runs' | 'seed' | 'seconds' | 'findings'>,
): FaultResult {
  const day = new Date().toISOString().slice(0, 10);
  const processor = `${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown processor'}`;
  const machine = `${processor}; ${type()} ${release()}; Node.js ${process.versions.node}`;
  const { fault, runs, seed, seconds, findings } = tested;
  const commit = sourceCommit();
  return { fault, runs, seed, seconds: Math.round(seconds), day, commit, machine, findings };
}

/** `unknown` outside of a repository. */
function sourceCommit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
  try {
    const hasChanges = git('status', '--porcelain', '--', 'src', 'package-lock.json') !== '';
    return git('rev-parse', '--short=7', 'HEAD') + (hasChanges ? '+' : '');
  } catch {
    return 'unknown';
  }
}

export function readResults(): FaultResult[] {
  if (!existsSync(resultsFile)) return [];
  const results = JSON.parse(readFileSync(resultsFile, 'utf8')) as FaultResult[];
  return results.map((result) => ({
    ...result,
    findings: { ...nothingFound, ...result.findings },
  }));
}

/** Keeps what is there of faults that were not tried now. */
export function keepResults(results: readonly FaultResult[]): FaultResult[] {
  const tried = new Set(results.map(({ fault }) => fault));
  const kept = readResults().filter(({ fault }) => !tried.has(fault));
  const order = allFaults.map(({ name }) => name);
  const all = [...kept, ...results].sort((a, b) => order.indexOf(a.fault) - order.indexOf(b.fault));
  writeFileSync(resultsFile, `${JSON.stringify(all, shortened, 2)}\n`);
  return all;
}

/** Milliseconds and KB need no digits after the fourth. */
function shortened(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value;
  return Number(value.toPrecision(4));
}
