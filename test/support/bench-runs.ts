import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { bundledProgram } from './bundled-program.js';

interface BenchRun {
  readonly code: number | null;
  readonly output: string;
}

/** Runs of the benchmark for the tests of a file. */
export async function benchRuns() {
  const root = resolve(import.meta.dirname, '../..');
  const program = join(root, 'tools/bench/main.ts');
  const bundle = await bundledProgram(program);
  return {
    root,
    runBench: (args: readonly string[]) => run(root, [bundle, ...args]),
    /** As users run it, but for npm. */
    runAsUsersDo: (args: readonly string[]) => run(root, ['--import', 'tsx', program, ...args]),
  };
}

async function run(root: string, args: readonly string[]): Promise<BenchRun> {
  const bench = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(bench, 'close');
  const [printed, errors] = await Promise.all([text(bench.stdout), text(bench.stderr)]);
  const [code] = await exited;
  return { code, output: printed + errors };
}

/** Until the test is over. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'rejoin-bench-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
