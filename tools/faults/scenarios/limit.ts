import { type Findings, isLate } from '../findings.js';

/** Adds measures to the findings, each with the limit whose passing is a breach, or late. */
export function limit(
  found: Findings,
  measures: Readonly<Record<string, readonly [measured: number, most: number]>>,
): Findings {
  const all = Object.entries(measures);
  const values = all.map(([name, [measured]]) => [name, measured] as const);
  const over = all.filter(([, [measured, most]]) => !(measured <= most));
  const passed = (late: boolean) =>
    over
      .filter(([name, [measured]]) => isLate(name, measured) === late)
      .map(([name, [measured, most]]) => `${name}: ${measured} is over ${most}`);
  return {
    ...found,
    worst: { ...found.worst, ...Object.fromEntries(values) },
    breaches: [...found.breaches, ...passed(false)],
    late: [...found.late, ...passed(true)],
  };
}
