import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Machine } from './machine.js';
import { type Figures, type ScenarioName, scenarioNames } from './scenarios/scenario.js';
import type { SystemName } from './systems/system.js';

/** What a system did in a scenario. */
export interface Measured {
  readonly version: string;
  /** Of each figure, the median of the rounds. */
  readonly median: Figures;
  readonly rounds: readonly Figures[];
}

/** An aim of Rejoin and how near it came. */
export interface Outcome {
  readonly system: SystemName;
  readonly figure: string;
  readonly aim: string;
  readonly measured: number;
  readonly wanted: number;
  /** How many times as good as wanted it is: 1 or more is what the aim asks. */
  readonly ratio: number;
}

export interface ScenarioResult {
  readonly scenario: ScenarioName;
  readonly measuredAt: string;
  readonly machine: Machine;
  readonly seconds: number;
  readonly systems: Readonly<Partial<Record<SystemName, Measured>>>;
  readonly outcomes: readonly Outcome[];
}

export function readResults(file: string): ScenarioResult[] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ScenarioResult[]) : [];
}

/** Keeps what is there of scenarios that were not measured now. */
export function keepResults(file: string, results: readonly ScenarioResult[]): ScenarioResult[] {
  const measured = new Set(results.map(({ scenario }) => scenario));
  const kept = readResults(file).filter(({ scenario }) => !measured.has(scenario));
  const all = [...kept, ...results].sort((a, b) => orderOf(a) - orderOf(b));
  writeFileSync(file, `${JSON.stringify(all, rounded, 2)}\n`);
  return all;
}

function orderOf({ scenario }: ScenarioResult): number {
  return scenarioNames.indexOf(scenario);
}

/** Five digits say more than was measured; NaN becomes null. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
}
