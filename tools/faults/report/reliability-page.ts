import { readFileSync, writeFileSync } from 'node:fs';
import { fillMark } from '../../../test/support/marked-page.js';
import { markdownTable } from '../../bench/report/text-table.js';
import { allFaults } from '../all-faults.js';
import type { Fault } from '../fault.js';
import { type Findings, nothingFound, together } from '../findings.js';
import { rounded } from './findings-text.js';
import type { FaultResult } from './results.js';

const pageFile = 'docs/reliability.md';

/** Writes what was found into the page, between its marks. */
export function writeReliabilityPage(results: readonly FaultResult[]): void {
  const page = readFileSync(pageFile, 'utf8');
  const filled = [
    { mark: 'machine', content: machineText(results) },
    { mark: 'faults on Redis', content: tableOf(results, 'Redis') },
    { mark: 'faults in memory', content: tableOf(results, 'memory') },
    { mark: 'totals', content: totalsText(results) },
  ].reduce((text, { mark, content }) => fillMark(text, mark, content), page);
  writeFileSync(pageFile, filled);
}

function machineText(results: readonly FaultResult[]): string {
  const lines = results.map(({ day, machine }) => `- ${day}: ${machine}.`);
  return [...new Set(lines)].join('\n');
}

function tableOf(results: readonly FaultResult[], backend: Fault['backend']): string {
  const faults = allFaults.filter((fault) => fault.backend === backend);
  const rows = faults.flatMap((fault) => {
    const result = results.find(({ fault: name }) => name === fault.name);
    return result === undefined ? [] : [rowOf(fault, result)];
  });
  const counted = ['acknowledged', 'lost', 'repeated', 'worst', 'held'];
  return markdownTable([['fault', 'must hold', 'at commit', 'runs', ...counted], ...rows], 3);
}

function rowOf(fault: Fault, { commit, runs, findings }: FaultResult): string[] {
  const worst = Object.entries(findings.worst).map(([name, value]) => `${name}: ${rounded(value)}`);
  const { acknowledgedAppends, acknowledgedEvents, acknowledgedInputs } = findings;
  const { rejectedAppends, unknownAppends } = findings;
  const inputs = acknowledgedInputs === 0 ? '' : `, ${rounded(acknowledgedInputs)} inputs`;
  const failed = `${rounded(rejectedAppends)} rejected, ${rounded(unknownAppends)} unknown`;
  return [
    `\`${fault.name}\`: ${fault.title}`,
    fault.promise,
    commit,
    String(runs),
    `${rounded(acknowledgedAppends)} appends, ${rounded(acknowledgedEvents)} events${inputs}; ${failed}`,
    rounded(findings.lostEvents),
    rounded(findings.repeatedEvents),
    [...worst, ...resetsText(findings)].join('; '),
    heldText(findings),
  ];
}

function heldText({ breaches, late }: Findings): string {
  if (breaches.length + late.length === 0) return 'yes';
  return `no: ${breaches.length} breaches, ${late.length} late`;
}

function resetsText({ resets }: Findings): string[] {
  return resets === 0 ? [] : [`resets: ${rounded(resets)}`];
}

function totalsText(results: readonly FaultResult[]): string {
  return (['Redis', 'memory'] as const)
    .map((backend) => {
      const names = allFaults.filter((fault) => fault.backend === backend).map(({ name }) => name);
      const found = results
        .filter(({ fault }) => names.includes(fault))
        .reduce((all, { findings }) => together(all, findings), nothingFound);
      const { acknowledgedAppends, acknowledgedEvents, acknowledgedInputs, repeatedEvents } = found;
      return `- ${backend}: ${rounded(acknowledgedAppends)} appends acknowledged, with ${rounded(acknowledgedEvents)} events; ${rounded(acknowledgedInputs)} inputs; ${rounded(repeatedEvents)} repeated.`;
    })
    .join('\n');
}
