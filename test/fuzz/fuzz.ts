import fc from 'fast-check';
import { expect } from 'vitest';

/** Any seed may be given again, and any number of runs asked for. */
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const runs = process.env.FUZZ_RUNS === undefined ? null : Number(process.env.FUZZ_RUNS);

/** Fewer would show nothing. */
const leastRuns = 100;

/**
 * Runs a property for a bounded time, or as often as `FUZZ_RUNS` says. A failure tells how it is
 * replayed.
 */
export async function fuzz<T>(property: fc.IAsyncProperty<T>, budgetMs: number): Promise<void> {
  const bounds = runs === null ? { interruptAfterTimeLimit: budgetMs } : {};
  const details = await fc.check(property, { seed, numRuns: runs ?? 1_000_000, ...bounds });
  if (details.failed && details.counterexample !== null) {
    const replay = `FUZZ_SEED=${seed} FUZZ_RUNS=${details.numRuns} npx vitest run test/fuzz`;
    const report = fc.defaultReportMessage(details as fc.RunDetails<T>);
    throw new Error(`${replay}\n${String(details.errorInstance)}\n${report}`);
  }
  expect(details.numRuns).toBeGreaterThanOrEqual(Math.min(leastRuns, runs ?? leastRuns));
}
