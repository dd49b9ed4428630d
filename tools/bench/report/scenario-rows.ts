import type { ScenarioResult } from '../results.js';
import type { FigureColumn, Scenario } from '../scenarios/scenario.js';

/** What every scenario reports beside its own figures: how busy everybody was. */
const busyColumns: readonly Omit<FigureColumn, 'better'>[] = [
  { name: 'serverPercent', title: 'server CPU %' },
  { name: 'storePercent', title: 'Redis CPU %' },
  { name: 'generatorPercent', title: 'generator CPU %' },
  { name: 'othersPercent', title: 'others CPU %' },
];

/** A head, and a row for each system. */
export function scenarioRows(scenario: Scenario, result: ScenarioResult): string[][] {
  const columns: readonly Omit<FigureColumn, 'better'>[] = [...scenario.figures, ...busyColumns];
  const head = [scenario.name, ...columns.map(({ title }) => title)];
  const rows = Object.entries(result.systems).map(([system, { median }]) => [
    system,
    ...columns.map(({ name, digits }) => figureText(median[name], digits)),
  ]);
  return [head, ...rows];
}

/** The columns of `outcomeRows` before its figures. */
export const outcomeWords = 3;

export function outcomeRows(results: readonly ScenarioResult[]): string[][] {
  const rows = results.flatMap(({ scenario, outcomes }) =>
    outcomes.map(({ system, aim, measured, wanted, ratio }) => [
      scenario,
      system,
      aim,
      figureText(measured, digitsOf(wanted)),
      figureText(wanted, digitsOf(wanted)),
      `${figureText(ratio, 2)}${ratio < 1 ? ' ✗' : ' ✓'}`,
    ]),
  );
  return [['scenario', 'system', 'aim', 'measured', 'wanted', 'ratio'], ...rows];
}

function digitsOf(value: number): number {
  return value >= 100 ? 0 : 2;
}

/** A figure that could not be measured is NaN, or null when it comes from a file. */
export function figureText(value: number | null | undefined, digits = 0): string {
  if (value === undefined || value === null || Number.isNaN(value)) return '–';
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
