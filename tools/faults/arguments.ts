import { parseArgs } from 'node:util';
import { newSeed } from '../../test/support/random.js';

export interface FaultArguments {
  /** Names of faults; empty for all. */
  readonly names: readonly string[];
  readonly isFull: boolean;
  readonly seed: number;
  /** Null: as often as each fault says. */
  readonly runs: number | null;
  readonly writesDocs: boolean;
  /** How many inputs are to be acknowledged on each backend; null: as many as there are. */
  readonly inputs: number | null;
  /** How long to soak instead, in minutes; null: not. */
  readonly soakMinutes: number | null;
}

export const usage = `Usage: npm run test:faults -- [FAULT…] [options]

  --full        each as often and with as much load as docs/reliability.md reports (about an hour),
                and what takes longer than promised fails; otherwise it is only printed as late
  --runs N      each that many times
  --seed N      repeat the run that printed this seed (default: another one each time)
  --inputs N    with more inputs, and again until N of them are acknowledged on each backend
  --write-docs  keep what was found in docs/reliability.json, and write the table of docs/reliability.md anew
  --soak MIN    instead, run the service for that many minutes, with random faults
  --list        only print the names
  --help        this text
`;

/** The command line is wrong; the message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const options = {
  full: { type: 'boolean', default: false },
  runs: { type: 'string' },
  seed: { type: 'string' },
  'write-docs': { type: 'boolean', default: false },
  inputs: { type: 'string' },
  soak: { type: 'string' },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** @throws UsageError */
export function readArguments(
  args: readonly string[],
  known: readonly string[],
): FaultArguments | 'help' | 'list' {
  const { values, positionals: names } = parse(args);
  if (values.help) return 'help';
  if (values.list) return 'list';
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no fault '${unknown}'`);
  return {
    names,
    isFull: values.full,
    seed: values.seed === undefined ? newSeed() : toInteger('--seed', values.seed),
    runs: values.runs === undefined ? null : toInteger('--runs', values.runs),
    writesDocs: values['write-docs'],
    inputs: values.inputs === undefined ? null : toInteger('--inputs', values.inputs),
    soakMinutes: values.soak === undefined ? null : toInteger('--soak', values.soak),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function toInteger(option: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new UsageError(`${option} is an integer, not '${text}'`);
}
