import type { BenchArguments } from './arguments.js';
import type { Scenario, Size } from './scenarios/scenario.js';

const usualSeconds = 5;
const usualRounds = 3;

/** By how much less everything is when only the benchmark itself is tried. */
const quickSize: Size = { seconds: 0.2, smaller: 10 };

export function sizeOf(scenario: Scenario, { seconds, quick }: BenchArguments): Size {
  if (quick) return quickSize;
  return { seconds: seconds ?? scenario.usualSeconds ?? usualSeconds, smaller: 1 };
}

export function roundsOf(scenario: Scenario, { rounds, quick }: BenchArguments): number {
  return rounds ?? (quick ? 1 : (scenario.usualRounds ?? usualRounds));
}
