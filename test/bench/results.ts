import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Machine } from './machine.js';
import type { Figures, ScenarioName } from './scenarios/scenario.js';
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
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
}

/** Keeps what is there of scenarios that were not measured now. */
export function keepResults(file: string, results: readonly ScenarioResult[]): ScenarioResult[] {
  const measured = new Set(results.map(({ scenario }) => scenario));
  const kept = readResults(file).filter(({ scenario }) => !measured.has(scenario));
  const all = [...kept, ...results];
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
  return all;
}
