import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type ScenarioName, scenarioNames } from './scenarios/scenario.js';
import { type SystemName, systemNames } from './systems/system.js';

export interface BenchArguments {
  readonly scenarios: readonly ScenarioName[];
  readonly systems: readonly SystemName[];
  /** How long each system is measured in each round; null: as long as the scenario says. */
  readonly seconds: number | null;
  /** Null: as many as the scenario says. */
  readonly rounds: number | null;
  /** Whether only the benchmark itself is tried, with few connections and short times. */
  readonly quick: boolean;
  /** Whether scenarios of very many feeds have a hundred thousand. */
  readonly isLarge: boolean;
  /** Where the results are kept, beside those of scenarios that were measured before. */
  readonly json: string | null;
  readonly writesDocs: boolean;
  /** The directory of another build of the service that this one is compared with; null: none. */
  readonly against: string | null;
}

export const usage = `Usage: npm run bench -- [SCENARIO…] [options]

  Scenarios: ${scenarioNames.join(', ')} (default: all)

  --redis       measure Rejoin on Redis too
  --peers       measure nchan and Durable Streams too
  --system NAME only this system, repeatable: ${systemNames.join(', ')}
  --seconds N   how long each system is measured in a round (default: 5, or what the scenario needs)
  --rounds N    how many rounds, of which the median counts (default: 3, for idle feeds 1)
  --json FILE   keep the results there, beside those of scenarios that were measured before
  --write-docs  keep them in docs/performance.json, and write docs/performance.md and its plot anew
  --against DIR compare the build here with the one in DIR, another checkout that has its dist/:
                Rejoin alone, 10 rounds of 2 seconds; the exit code is 3 when something is slower
  --large       100000 feeds where 18000 are usual; it takes as many file descriptors for a process
  --quick       few connections for a moment, to try the benchmark itself: the figures mean nothing
  --help        this text
`;

/** The command line is wrong; the message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const options = {
  redis: { type: 'boolean', default: false },
  peers: { type: 'boolean', default: false },
  system: { type: 'string', multiple: true, default: [] as string[] },
  seconds: { type: 'string' },
  rounds: { type: 'string' },
  json: { type: 'string' },
  'write-docs': { type: 'boolean', default: false },
  against: { type: 'string' },
  large: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof parse>['values'];

/** What two builds of the service can be compared as. */
const comparable: readonly SystemName[] = ['rejoin', 'rejoin-redis'];

/** @throws UsageError */
export function readArguments(args: readonly string[]): BenchArguments | 'help' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const scenarios = positionals.map((name) => oneOf(scenarioNames, name, 'scenario'));
  return {
    scenarios: scenarios.length > 0 ? scenarios : scenarioNames,
    systems: systemsOf(values),
    seconds: values.seconds === undefined ? null : toNumber('--seconds', values.seconds, 0.1, 600),
    rounds: values.rounds === undefined ? null : toNumber('--rounds', values.rounds, 1, 99),
    quick: values.quick,
    isLarge: values.large,
    json: values.json ?? null,
    writesDocs: values['write-docs'],
    against: values.against === undefined ? null : toBuild(values),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function systemsOf({ system, redis, peers, against }: Values): SystemName[] {
  if (system.length > 0) return system.map((name) => oneOf(systemNames, name, 'system'));
  return systemNames.filter((name) => {
    if (name === 'rejoin-redis') return redis;
    if (against !== undefined) return name === 'rejoin';
    if (name === 'nchan' || name === 'durable-streams') return peers;
    return true;
  });
}

/** @throws UsageError unless the service was built there, and nothing else is asked for */
function toBuild(values: Values): string {
  const { against = '', peers } = values;
  const others = systemsOf(values).filter((name) => !comparable.includes(name));
  if (values['write-docs'] || peers || others.length > 0) {
    throw new UsageError('--against compares builds of Rejoin, and nothing else');
  }
  const directory = resolve(against);
  if (existsSync(join(directory, 'dist/main.js'))) return directory;
  throw new UsageError(`--against: there is no dist/main.js in ${directory}; build it first`);
}

function oneOf<Name extends string>(names: readonly Name[], name: string, kind: string): Name {
  const found = names.find((known) => known === name);
  if (found !== undefined) return found;
  throw new UsageError(`there is no ${kind} '${name}', only ${names.join(', ')}`);
}

function toNumber(option: string, text: string, least: number, most: number): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`${option} is a number from ${least} to ${most}, not '${text}'`);
}
