import { medianOf } from './comparison/paired-ratio.js';
import { describeMachine } from './machine.js';
import { outcomesOf } from './outcomes.js';
import type { Measured, ScenarioResult } from './results.js';
import type { Figures, Scenario, Size } from './scenarios/scenario.js';
import type { System } from './systems/system.js';

interface Run {
  readonly systems: readonly System[];
  readonly rounds: number;
  readonly size: Size;
  /** How often a measurement is made until others leave it in peace. */
  readonly attempts: number;
  /** Told what is done, a line at a time. */
  readonly log: (line: string) => void;
}

/** When others take more than this share of a core, what was measured is not to be trusted. */
const maxOthersPercent = 20;

/**
 * Measures each system once a round, so that what disturbs the machine for a while disturbs all.
 *
 * @throws Error that names the system, when a measurement fails
 */
export async function runScenario(scenario: Scenario, run: Run): Promise<ScenarioResult> {
  const taking = run.systems.filter(({ name }) => scenario.systems.includes(name));
  const measured = new Map<System, Figures[]>(taking.map((system) => [system, []]));
  for (let round = 1; round <= run.rounds; round += 1) {
    for (const [system, figures] of measured) {
      run.log(`  round ${round}: ${system.name}`);
      figures.push(await measureInPeace(scenario, system, run));
    }
  }
  const systems = Object.fromEntries(
    [...measured].map(([system, rounds]) => [system.name, toMeasured(system, rounds)]),
  );
  return {
    scenario: scenario.name,
    measuredAt: new Date().toISOString(),
    machine: describeMachine(),
    seconds: run.size.seconds,
    systems,
    outcomes: outcomesOf(scenario, systems),
  };
}

async function measureInPeace(scenario: Scenario, system: System, run: Run): Promise<Figures> {
  for (let attempt = 1; ; attempt += 1) {
    const figures = await measureOnce(scenario, system, run.size);
    const { othersPercent = 0 } = figures;
    if (!(othersPercent > maxOthersPercent) || attempt === run.attempts) return figures;
    run.log(`    again, since others took ${Math.round(othersPercent)} % of a core`);
  }
}

/** @throws Error that names the system, when the measurement fails */
export async function measureOnce(
  scenario: Scenario,
  system: System,
  size: Size,
): Promise<Figures> {
  const server = await system.start(scenario.job);
  try {
    return await scenario.run(server, size);
  } catch (error) {
    throw new Error(`${scenario.name} failed with ${system.name}: ${(error as Error).message}`);
  } finally {
    await server.stop();
  }
}

function toMeasured({ version }: System, rounds: readonly Figures[]): Measured {
  const names = Object.keys(rounds[0] ?? {});
  const medians = names.map((name) => [
    name,
    medianOf(rounds.map((figures) => figures[name] as number)),
  ]);
  return { version: version(), median: Object.fromEntries(medians), rounds };
}
