import { parseArgs } from 'node:util';
import { allClients, settingsForAll } from './all-clients.js';
import { writeClientsPage } from './report/clients-page.js';
import { type Result, runScenario, surpriseIn } from './run/run-scenario.js';
import { scripts } from './run/scripts.js';
import { type ScenarioName, scenarioNames } from './scenario.js';

const usage = `Usage: npm run test:clients -- [SCENARIO…] [--client TEXT]

Lets clients that nobody here wrote follow streams while this happens to them:

${scenarioNames.map((name) => `  ${name.padEnd(16)}  ${scripts[name].title}`).join('\n')}

  --client TEXT  only clients with this text in their name
  --help         this text

A run of all clients through all scenarios writes the table of docs/clients.md anew.
`;

/** A restart keeps clients out for longer than the longest wait that a feed asks for, so that their connections are refused. */
const awayMs = 4000;

process.exit(await main());

/** Resolves with the exit code: 1 when a verdict is not as expected. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { client: { type: 'string', default: '' }, help: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const unknown = positionals.find((name) => !scenarioNames.includes(name as ScenarioName));
  if (values.help || unknown !== undefined) {
    if (unknown !== undefined) print(`there is no scenario '${unknown}'\n`);
    print(usage);
    return values.help ? 0 : 2;
  }
  const names = scenarioNames.filter(
    (name) => positionals.length === 0 || positionals.includes(name),
  );
  const results = await runAll(names, values.client);
  const isWhole = names.length === scenarioNames.length && values.client === '';
  if (isWhole) writeClientsPage(results);
  const surprises = results.filter((result) => surpriseIn(result) !== null);
  print(surprises.length === 0 ? 'As expected.\n' : `NOT AS EXPECTED: ${surprises.length}\n`);
  for (const surprise of surprises) print(`  ${surprise.scenario}: ${lineOf(surprise)}\n`);
  return surprises.length === 0 ? 0 : 1;
}

async function runAll(names: readonly ScenarioName[], text: string): Promise<Result[]> {
  const clients = allClients.filter(({ name }) => name.includes(text));
  const settings = await settingsForAll();
  const results: Result[] = [];
  for (const name of names) {
    print(`${name}: ${scripts[name].title}\n`);
    const found = await runScenario(name, clients, { awayMs, settings });
    for (const result of found) print(`  ${lineOf(result)}\n`);
    results.push(...found);
  }
  return results;
}

function lineOf(result: Result): string {
  const { client, verdict } = result;
  const name = client.option === null ? client.name : `${client.name}, ${client.option}`;
  const surprise = surpriseIn(result);
  if (surprise !== null) return `${name}: NOT AS EXPECTED: ${surprise}`;
  return `${name}: ${verdict}${verdict === 'ok' ? '' : ' (expected)'}`;
}

function print(text: string): void {
  process.stdout.write(text);
}
