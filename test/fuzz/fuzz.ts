import fc from 'fast-check';

/** Any seed may be given again, and any number of runs asked for. */
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const runs = process.env.FUZZ_RUNS === undefined ? null : Number(process.env.FUZZ_RUNS);

/** However slow the machine is: fewer would show nothing. */
const minRuns = 100;

/**
 * Runs a property at least a hundred times and then for a bounded time, or as often as `FUZZ_RUNS`
 * says. A failure tells how it is replayed.
 */
export async function fuzz<T>(property: fc.IAsyncProperty<T>, budgetMs: number): Promise<void> {
  await check(property, { seed, numRuns: runs ?? minRuns });
  if (runs !== null) return;
  await check(property, { seed: seed + 1, numRuns: 1_000_000, interruptAfterTimeLimit: budgetMs });
}

async function check<T>(
  property: fc.IAsyncProperty<T>,
  bounds: fc.Parameters<T> & { readonly seed: number },
): Promise<void> {
  const details = await fc.check(property, bounds);
  if (details.failed && details.counterexample !== null) {
    const replay = `FUZZ_SEED=${bounds.seed} FUZZ_RUNS=${details.numRuns} npx vitest run test/fuzz`;
    const report = fc.defaultReportMessage(details as fc.RunDetails<T>);
    throw new Error(`${replay}\n${String(details.errorInstance)}\n${report}`);
  }
}
