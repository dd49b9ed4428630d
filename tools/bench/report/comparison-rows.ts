import type { FigureComparison } from '../comparison/compare-builds.js';
import { figureText } from './scenario-rows.js';

/** The columns of `comparisonRows` before its figures. */
export const comparisonWords = 3;

/** A head, and a row for each figure. */
export function comparisonRows(compared: readonly FigureComparison[]): string[][] {
  const head = ['scenario', 'system', 'figure', 'here', 'against', 'ratio', '95 %', ''];
  const rows = compared.map(
    ({ scenario, system, title, ours, theirs, median, interval, verdict }) => [
      scenario,
      system,
      title,
      figureText(ours, digitsOf(theirs)),
      figureText(theirs, digitsOf(theirs)),
      figureText(median, 3),
      interval === null ? '–' : interval.map((bound) => figureText(bound, 3)).join('–'),
      verdict,
    ],
  );
  return [head, ...rows];
}

export function comparisonText(compared: readonly FigureComparison[]): string {
  const slower = compared.filter(({ verdict }) => verdict === 'slower');
  const names = slower.map(({ scenario, system, title }) => `${scenario} of ${system}, ${title}`);
  const meaning = 'A ratio above 1 is slower here, whichever way the figure counts.';
  if (names.length === 0) return `${meaning} Nothing is shown to be over 5 % slower.`;
  return `${meaning} Over 5 % slower:\n${names.map((name) => `- ${name}`).join('\n')}`;
}

function digitsOf(value: number): number {
  return value >= 100 ? 0 : 2;
}
