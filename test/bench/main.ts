import { type BenchArguments, readArguments, UsageError, usage } from './arguments.js';
import { bindGenerator, coresText } from './cores.js';
import { outcomeRows, scenarioRows } from './report/scenario-rows.js';
import { textTable } from './report/text-table.js';
import { keepResults, type ScenarioResult } from './results.js';
import { runScenario } from './run-scenario.js';
import { allScenarios } from './scenarios/all-scenarios.js';
import type { Scenario, Size } from './scenarios/scenario.js';
import { allSystems } from './systems/all-systems.js';

const defaultSeconds = 5;

/** By how much less everything is when only the benchmark itself is tried. */
const quickSize: Size = { seconds: 0.2, smaller: 10 };

process.exit(await runBenchmark());

/** Resolves with the exit code. */
async function runBenchmark(): Promise<number> {
  try {
    const wanted = readArguments(process.argv.slice(2));
    if (wanted !== 'help') return await measure(wanted);
    process.stdout.write(usage);
    return 0;
  } catch (error) {
    const { message } = error as Error;
    process.stderr.write(error instanceof UsageError ? `${message}\n\n${usage}` : `${message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function measure(wanted: BenchArguments): Promise<number> {
  bindGenerator();
  print(`${coresText()}\n\n`);
  const results: ScenarioResult[] = [];
  for (const scenario of allScenarios.filter(({ name }) => wanted.scenarios.includes(name))) {
    print(`${scenario.name}: ${scenario.title}\n`);
    const result = await runScenario(scenario, {
      systems: allSystems.filter(({ name }) => wanted.systems.includes(name)),
      rounds: wanted.rounds,
      size: sizeOf(scenario, wanted),
      onStart: (system, round) => process.stderr.write(`  round ${round}: ${system}\n`),
    });
    results.push(result);
    print(`${textTable(scenarioRows(scenario, result))}\n\n`);
  }
  print(`${textTable(outcomeRows(results))}\n`);
  if (wanted.json !== null) keepResults(wanted.json, results);
  return 0;
}

function sizeOf({ usualSeconds }: Scenario, { seconds, quick }: BenchArguments): Size {
  if (quick) return quickSize;
  return { seconds: seconds ?? usualSeconds ?? defaultSeconds, smaller: 1 };
}

function print(text: string): void {
  process.stdout.write(text);
}
