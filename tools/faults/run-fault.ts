import { randomFrom } from '../../test/support/random.js';
import type { Fault } from './fault.js';
import { type Findings, nothingFound, together } from './findings.js';
import { Scope } from './scope.js';

export interface RunOptions {
  readonly isFull: boolean;
  /** The first run takes this one, each further run the next. */
  readonly seed: number;
  readonly runs: number;
  /** As `Run.inputsPerSecond`. */
  readonly inputsPerSecond?: number | null;
  readonly onRun?: (index: number, findings: Findings) => void;
}

/** Does a fault as often as is asked for, one run after the other, each in a system of its own. */
export async function runFault(fault: Fault, options: RunOptions): Promise<Findings> {
  let all = nothingFound;
  for (let index = 0; index < options.runs; index += 1) {
    const findings = await runOnce(fault, index, options);
    options.onRun?.(index, findings);
    all = together(all, findings);
  }
  return all;
}

async function runOnce(fault: Fault, index: number, options: RunOptions): Promise<Findings> {
  const { isFull, seed, inputsPerSecond = null } = options;
  const scope = new Scope();
  try {
    const found = await fault.inject({
      index,
      isFull,
      inputsPerSecond,
      random: randomFrom(seed + index),
      scope,
    });
    const seeded = (text: string) => `seed ${seed + index}: ${text}`;
    return { ...found, breaches: found.breaches.map(seeded), late: found.late.map(seeded) };
  } catch (error) {
    const { message } = error as Error;
    return { ...nothingFound, breaches: [`seed ${seed + index}: the run failed: ${message}`] };
  } finally {
    await scope.end();
  }
}
