import { readFileSync, writeFileSync } from 'node:fs';
import { release, type } from 'node:os';
import { markdownTable } from '../../../tools/bench/report/text-table.js';
import { fillMark } from '../../support/marked-page.js';
import type { ForeignClient } from '../foreign-client.js';
import type { Result } from '../run/run-scenario.js';
import { scripts } from '../run/scripts.js';
import { scenarioNames } from '../scenario.js';
import { versionOf } from './version-of.js';

const pageFile = 'docs/clients.md';

/** One client with an option, or without one: a row. */
interface Row {
  readonly client: ForeignClient;
  readonly results: readonly Result[];
}

/** Writes what was found into the page, between its marks. */
export function writeClientsPage(results: readonly Result[]): void {
  const page = readFileSync(pageFile, 'utf8');
  const rows = [...groupBy(results, ({ client }) => client)].map(([client, found]) => ({
    client,
    results: found,
  }));
  const filled = [
    { mark: 'run', content: runText() },
    { mark: 'scenarios', content: scenariosTable() },
    { mark: 'choice', content: choiceTable(rows) },
    { mark: 'verdicts', content: verdictsTable(rows) },
    { mark: 'limits', content: limitsText(rows) },
  ].reduce((text, { mark, content }) => fillMark(text, mark, content), page);
  writeFileSync(pageFile, filled);
}

function runText(): string {
  const day = new Date().toISOString().slice(0, 10);
  return `Measured on ${day} with Node.js ${process.versions.node} on ${type()} ${release()}.`;
}

function scenariosTable(): string {
  const rows = scenarioNames.map((name) => [name, scripts[name].title, scripts[name].backend]);
  return markdownTable([['scenario', 'what happens, twice where it can', 'store'], ...rows], 3);
}

/** A row for each client: how it is to be used. */
function choiceTable(rows: readonly Row[]): string {
  const byName = groupBy(rows, ({ client }) => client.name);
  const lines = [...byName].map(([name, some]) => [name, versionOf(name), choiceText(some)]);
  return markdownTable([['client', 'version', 'each event once and in order'], ...lines], 3);
}

function choiceText(rows: readonly Row[]): string {
  const right = rows.find(isRight);
  if (right !== undefined) {
    const { option } = right.client;
    if (option === null) return 'works as it is';
    const plain = rows.filter(({ client }) => client.option === null);
    const names = plain.flatMap(faultsOf).map(({ scenario }) => scenario);
    return `needs an option (${names.join(', ')}): ${option}`;
  }
  const best = rows.toSorted((one, other) => faultsOf(one).length - faultsOf(other).length)[0];
  const reasons = faultsOf(best as Row).map(({ client, scenario }) => client.limits[scenario]);
  const option = best?.client.option ?? null;
  return `cannot${option === null ? '' : `, even with ${option}`}: ${[...new Set(reasons)].join(' ')}`;
}

function isRight(row: Row): boolean {
  return faultsOf(row).length === 0;
}

function faultsOf({ results }: Row): readonly Result[] {
  return results.filter(({ verdict }) => verdict !== 'ok');
}

function verdictsTable(rows: readonly Row[]): string {
  const lines = rows.map(({ client, results }) => [
    client.name,
    client.option ?? 'as it is',
    ...results.map(({ verdict }) => (verdict === 'ok' ? '✓' : verdict)),
  ]);
  return markdownTable([['client', 'used with', ...scenarioNames], ...lines], 12);
}

/** Each limit once, with the clients that it is of. */
function limitsText(rows: readonly Row[]): string {
  const faults = rows.flatMap(faultsOf);
  const byReason = groupBy(
    faults,
    ({ client, scenario }) => client.limits[scenario] ?? 'not known why',
  );
  return [...byReason]
    .map(([reason, some]) => {
      const names = new Set(some.map(({ client }) => client.name));
      const scenarios = new Set(some.map(({ scenario }) => scenario));
      return `- _${[...scenarios].join('_ and _')}_ (${[...names].join(', ')}): ${reason}`;
    })
    .join('\n');
}

function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}
