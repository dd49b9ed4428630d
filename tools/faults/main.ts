import { allFaults, usualFaults } from './all-faults.js';
import { type FaultArguments, readArguments, UsageError, usage } from './arguments.js';
import type { Fault } from './fault.js';
import { findingsText, rounded } from './report/findings-text.js';
import { writeReliabilityPage } from './report/reliability-page.js';
import { type FaultResult, keepResults, resultOf } from './report/results.js';
import { runFault } from './run-fault.js';
import { soak } from './soak/soak.js';

/** Of all streams of a run that is to have many. */
const manyInputsPerSecond = 1000;

process.exit(await main());

/** Resolves with the exit code: 1 when a promise was broken. */
async function main(): Promise<number> {
  const names = allFaults.map(({ name }) => name);
  try {
    const wanted = readArguments(process.argv.slice(2), names);
    if (wanted === 'help') print(usage);
    else if (wanted === 'list') print(`${names.join('\n')}\n`);
    else if (wanted.inputs !== null) return (await injectUntil(wanted.inputs, wanted)) ? 0 : 1;
    else if (wanted.soakMinutes === null) return (await injectAll(wanted)) ? 0 : 1;
    else return (await soakFor(wanted.soakMinutes, wanted.seed)) ? 0 : 1;
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${usage}`);
    return 2;
  }
}

/** Repeats the faults until each backend has acknowledged that many inputs. Whether every promise held. */
async function injectUntil(inputs: number, wanted: FaultArguments): Promise<boolean> {
  const { names, seed } = wanted;
  const chosen = usualFaults.filter(({ name }) => names.length === 0 || names.includes(name));
  const results: FaultResult[] = [];
  for (const backend of ['Redis', 'memory'] as const) {
    const faults = chosen.filter((fault) => fault.backend === backend);
    let acknowledged = 0;
    for (let turn = 0; faults.length > 0 && acknowledged < inputs; turn += 1) {
      const fault = faults[turn % faults.length] as Fault;
      print(`${fault.name} (${backend}), seed ${seed + turn}\n`);
      const result = await inject(fault, 1, { ...wanted, seed: seed + turn });
      results.push(result);
      if (result.findings.acknowledgedInputs === 0) break; // the run failed
      acknowledged += result.findings.acknowledgedInputs;
    }
    print(`${backend}: ${acknowledged.toLocaleString('en')} inputs acknowledged\n\n`);
  }
  return haveHeld(results, wanted);
}

/** Whether every promise held. */
async function injectAll(wanted: FaultArguments): Promise<boolean> {
  const { names } = wanted;
  const results: FaultResult[] = [];
  for (const fault of allFaults.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const runs = wanted.runs ?? (wanted.isFull ? fault.runs : 1);
    print(
      `${fault.name} (${fault.backend}), ${runs} runs, seed ${wanted.seed}\n  ${fault.title}\n`,
    );
    results.push(await inject(fault, runs, wanted));
    if (wanted.writesDocs) writeReliabilityPage(keepResults(results));
  }
  return haveHeld(results, wanted);
}

function haveHeld(results: readonly FaultResult[], { isFull }: FaultArguments): boolean {
  const hasHeld = results.every(
    ({ findings }) => findings.breaches.length === 0 && (!isFull || findings.late.length === 0),
  );
  print(hasHeld ? 'Every promise held.\n' : 'A PROMISE WAS BROKEN.\n');
  return hasHeld;
}

/** Whether every promise held. */
async function soakFor(minutes: number, seed: number): Promise<boolean> {
  print(`soak of ${minutes} minutes, seed ${seed}\n`);
  const findings = await soak({ minutes, seed, say: (line) => print(`  ${line}\n`) });
  print(`${findingsText(findings)}\n`);
  const broken = [...findings.breaches, ...findings.late];
  for (const breach of broken) print(`  ${breach}\n`);
  return broken.length === 0;
}

async function inject(fault: Fault, runs: number, wanted: FaultArguments): Promise<FaultResult> {
  const startedAt = performance.now();
  const findings = await runFault(fault, {
    isFull: wanted.isFull,
    seed: wanted.seed,
    inputsPerSecond: wanted.inputs === null ? null : manyInputsPerSecond,
    runs,
    onRun: (index, found) => {
      process.stderr.write(`  run ${index + 1}: ${findingsText(found)}\n`);
      for (const breach of found.breaches.slice(0, 10)) process.stderr.write(`    ${breach}\n`);
      for (const delay of found.late.slice(0, 10)) process.stderr.write(`    late: ${delay}\n`);
    },
  });
  const seconds = (performance.now() - startedAt) / 1000;
  print(
    `  all: ${findingsText(findings)}, in ${rounded(seconds)} s\n  must hold: ${fault.promise}\n\n`,
  );
  return resultOf({ fault: fault.name, runs, seed: wanted.seed, seconds, findings });
}

function print(text: string): void {
  process.stdout.write(text);
}
