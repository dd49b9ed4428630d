import { readFileSync, writeFileSync } from 'node:fs';
import { fillMark } from '../../../test/support/marked-page.js';
import type { ScenarioResult } from '../results.js';
import { allScenarios } from '../scenarios/all-scenarios.js';
import { drawGrowth } from './growth-plot.js';
import { outcomeRows, outcomeWords, scenarioRows } from './scenario-rows.js';
import { markdownTable } from './text-table.js';

export const resultsFile = 'docs/performance.json';
const pageFile = 'docs/performance.md';
const plotFile = 'docs/performance.svg';

/** Writes what was measured into the page, between its marks, and draws the plot. */
export function writePerformancePage(results: readonly ScenarioResult[]): void {
  const page = readFileSync(pageFile, 'utf8');
  const filled = [
    { mark: 'machine', content: machineText(results) },
    { mark: 'aims', content: markdownTable(outcomeRows(results), outcomeWords) },
    { mark: 'figures', content: figuresText(results) },
  ].reduce((text, { mark, content }) => fillMark(text, mark, content), page);
  writeFileSync(pageFile, filled);
  const plot = drawGrowth(results);
  if (plot !== null) writeFileSync(plotFile, plot);
}

function machineText(results: readonly ScenarioResult[]): string {
  const machines = results.map(({ machine, measuredAt }) => {
    const { processor, cores, memoryGiB, system, node, placement } = machine;
    const day = measuredAt.slice(0, 10);
    return `${day}: ${processor}, ${cores} cores, ${memoryGiB} GiB; ${system}; Node.js ${node}; ${placement}.`;
  });
  const versions = results.flatMap(({ systems }) =>
    Object.entries(systems).map(([system, { version }]) => `${system} ${version}`),
  );
  return [...new Set(machines)]
    .map((line) => `- ${line}`)
    .concat(versionsText(versions))
    .join('\n');
}

function versionsText(versions: readonly string[]): string {
  return `- Versions: ${[...new Set(versions)].join('; ')}.`;
}

function figuresText(results: readonly ScenarioResult[]): string {
  const sections = allScenarios.flatMap((scenario) => {
    const result = results.find(({ scenario: name }) => name === scenario.name);
    if (result === undefined) return [];
    const table = markdownTable(scenarioRows(scenario, result));
    return [`### ${scenario.name}\n\n${scenario.title}.\n\n${table}`];
  });
  return sections.join('\n\n');
}
