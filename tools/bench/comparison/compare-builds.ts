import { measureOnce } from '../run-scenario.js';
import type { Figures, Scenario, Size } from '../scenarios/scenario.js';
import type { System, SystemName } from '../systems/system.js';
import { judgeRatios, medianOf, type PairedRatio } from './paired-ratio.js';

/** The same system of two builds. */
export interface Builds {
  readonly name: SystemName;
  readonly ours: System;
  readonly theirs: System;
}

/** How one figure of a scenario compares. */
export interface FigureComparison extends PairedRatio {
  readonly scenario: string;
  readonly system: SystemName;
  readonly figure: string;
  readonly title: string;
  /** The medians of the rounds. */
  readonly ours: number;
  readonly theirs: number;
  /** Of each round. */
  readonly ratios: readonly number[];
}

export interface Comparison {
  readonly rounds: number;
  readonly size: Size;
  /** Told what is done, a line at a time. */
  readonly log: (line: string) => void;
}

type Round = readonly [ours: Figures, theirs: Figures];

/**
 * Measures both builds in each round, so that what disturbs the machine disturbs both, and in the
 * other order in every second one, so that what changes steadily cancels out.
 *
 * @throws Error when a measurement fails
 */
export async function compareBuilds(
  scenario: Scenario,
  { name, ours, theirs }: Builds,
  { rounds, size, log }: Comparison,
): Promise<FigureComparison[]> {
  const measured: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    log(`  round ${round} of ${rounds}: ${name}`);
    const isOursFirst = round % 2 === 1;
    const first = await measureOnce(scenario, isOursFirst ? ours : theirs, size);
    const second = await measureOnce(scenario, isOursFirst ? theirs : ours, size);
    measured.push(isOursFirst ? [first, second] : [second, first]);
  }
  return compareRounds(scenario, name, measured);
}

export function compareRounds(
  { name: scenario, figures }: Pick<Scenario, 'name' | 'figures'>,
  system: SystemName,
  rounds: readonly Round[],
): FigureComparison[] {
  return figures.flatMap(({ name: figure, title, better }) => {
    const pairs = rounds.map(([our, their]) => [our[figure], their[figure]] as [number, number]);
    const ratios = pairs.map(([our, their]) => (better === 'lower' ? our / their : their / our));
    if (!ratios.some(Number.isFinite)) return []; // not measured of this system
    const ours = medianOf(pairs.map(([our]) => our));
    const theirs = medianOf(pairs.map(([, their]) => their));
    return [{ scenario, system, figure, title, ours, theirs, ratios, ...judgeRatios(ratios) }];
  });
}
