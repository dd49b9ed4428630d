import { writeFileSync } from 'node:fs';
import { type BenchArguments, readArguments, UsageError, usage } from './arguments.js';
import { buildsOf } from './comparison/builds.js';
import { compareBuilds, type FigureComparison } from './comparison/compare-builds.js';
import { bindGenerator, coresText } from './cores.js';
import { sleepWhileWaiting } from './load/wakefulness.js';
import { comparisonRows, comparisonText, comparisonWords } from './report/comparison-rows.js';
import { resultsFile, writePerformancePage } from './report/performance-page.js';
import { outcomeRows, outcomeWords, scenarioRows } from './report/scenario-rows.js';
import { textTable } from './report/text-table.js';
import { keepResults, type ScenarioResult } from './results.js';
import { runScenario } from './run-scenario.js';
import { attemptsOf, roundsOf, sizeOf } from './run-size.js';
import { allScenarios } from './scenarios/all-scenarios.js';
import { allSystems } from './systems/all-systems.js';

process.exit(await runBenchmark());

/** Resolves with the exit code. */
async function runBenchmark(): Promise<number> {
  try {
    const wanted = readArguments(process.argv.slice(2));
    if (wanted === 'help') print(usage);
    else if (wanted.against !== null) return await compare(wanted, wanted.against);
    else report(await measure(wanted), wanted);
    return 0;
  } catch (error) {
    const { message } = error as Error;
    process.stderr.write(error instanceof UsageError ? `${message}\n\n${usage}` : `${message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Resolves with the exit code. */
async function compare(wanted: BenchArguments, against: string): Promise<number> {
  if (wanted.quick) sleepWhileWaiting();
  bindGenerator();
  print(`${coresText()}\n\n`);
  const compared: FigureComparison[] = [];
  for (const scenario of allScenarios.filter(({ name }) => wanted.scenarios.includes(name))) {
    for (const builds of buildsOf(wanted.systems, against)) {
      if (!scenario.systems.includes(builds.name)) continue;
      print(`${scenario.name}: ${scenario.title}\n`);
      const figures = await compareBuilds(scenario, builds, {
        rounds: roundsOf(scenario, wanted),
        size: sizeOf(scenario, wanted),
        log: (line) => process.stderr.write(`${line}\n`),
      });
      compared.push(...figures);
      print(`${textTable(comparisonRows(figures), comparisonWords)}\n\n`);
    }
  }
  print(`${comparisonText(compared)}\n`);
  if (wanted.json !== null) writeFileSync(wanted.json, `${JSON.stringify(compared, null, 2)}\n`);
  return compared.some(({ verdict }) => verdict === 'slower') ? 3 : 0;
}

async function measure(wanted: BenchArguments): Promise<ScenarioResult[]> {
  if (wanted.quick) sleepWhileWaiting();
  bindGenerator();
  print(`${coresText()}\n\n`);
  const results: ScenarioResult[] = [];
  for (const scenario of allScenarios.filter(({ name }) => wanted.scenarios.includes(name))) {
    print(`${scenario.name}: ${scenario.title}\n`);
    const result = await runScenario(scenario, {
      systems: allSystems.filter(({ name }) => wanted.systems.includes(name)),
      rounds: roundsOf(scenario, wanted),
      size: sizeOf(scenario, wanted),
      attempts: attemptsOf(wanted),
      log: (line) => process.stderr.write(`${line}\n`),
    });
    results.push(result);
    print(`${textTable(scenarioRows(scenario, result))}\n\n`);
  }
  return results;
}

function report(results: readonly ScenarioResult[], { json, writesDocs }: BenchArguments): void {
  print(`${textTable(outcomeRows(results), outcomeWords)}\n\n`);
  print('Every event was delivered once and in order.\n');
  if (json !== null) keepResults(json, results);
  if (writesDocs) writePerformancePage(keepResults(resultsFile, results));
}

function print(text: string): void {
  process.stdout.write(text);
}
