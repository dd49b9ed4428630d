import type { BenchArguments } from './arguments.js';
import type { Scenario, Size } from './scenarios/scenario.js';

const usualSeconds = 5;
const usualRounds = 3;

/** Of a comparison of two builds: many short rounds say more than a few long ones. */
const comparisonSeconds = 2;
const comparisonRounds = 10;

/** Others who use the cores disturb what is measured, mostly for a moment only. */
const usualAttempts = 3;

/** By how much less everything is when only the benchmark itself is tried. */
const quickSize: Size = { seconds: 0.1, smaller: 25 };

export function sizeOf(scenario: Scenario, wanted: BenchArguments): Size {
  const { seconds, quick, against, isLarge } = wanted;
  if (quick) return quickSize;
  if (against !== null) return { seconds: seconds ?? comparisonSeconds, smaller: 1, isLarge };
  return { seconds: seconds ?? scenario.usualSeconds ?? usualSeconds, smaller: 1, isLarge };
}

export function roundsOf(scenario: Scenario, { rounds, quick, against }: BenchArguments): number {
  if (against !== null) return rounds ?? (quick ? 1 : comparisonRounds);
  return rounds ?? (quick ? 1 : (scenario.usualRounds ?? usualRounds));
}

export function attemptsOf({ quick }: BenchArguments): number {
  return quick ? 1 : usualAttempts;
}
