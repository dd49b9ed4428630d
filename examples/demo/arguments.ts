import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Backend } from './service-settings.js';

export interface DemoArguments {
  readonly backend: Backend;
  /** The file of the run to replay. */
  readonly input: string;
  /** How many times faster than recorded. */
  readonly speed: number;
  /** Where the service listens; 0 is any free port. */
  readonly port: number;
}

export const usage = `Usage: npm run demo -- [--backend memory|redis] [--input FILE.ndjson] [--speed N] [--port N]

  --backend  where the service keeps its streams (default: memory); redis is that of REDIS_ADDR
  --input    the agent run to replay, one JSON event a line (default: the demo's own sample run)
  --speed    how many times faster than recorded, from 0.1 to 1000 (default: 1)
  --port     where the service listens (default: any free port)
  --help     this text
`;

/** The command line is wrong; the message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const options = {
  backend: { type: 'string', default: 'memory' },
  input: { type: 'string', default: join(import.meta.dirname, 'sample-run.ndjson') },
  speed: { type: 'string', default: '1' },
  port: { type: 'string', default: '0' },
  help: { type: 'boolean', default: false },
} as const;

/** @throws UsageError */
export function readArguments(args: readonly string[]): DemoArguments | 'help' {
  const { help, backend, input, speed, port } = parse(args);
  if (help) return 'help';
  if (backend !== 'memory' && backend !== 'redis') {
    throw new UsageError(`--backend is memory or redis, not '${backend}'`);
  }
  return { backend, input, speed: toSpeed(speed), port: toPort(port) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Slower than that, a title after the end would come when the feeds no longer linger. */
const minSpeed = 0.1;
const maxSpeed = 1000;

function toSpeed(text: string): number {
  const speed = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (speed >= minSpeed && speed <= maxSpeed) return speed;
  throw new UsageError(`--speed is a number from ${minSpeed} to ${maxSpeed}, not '${text}'`);
}

const maxPort = 65_535;

function toPort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= maxPort) return Number(text);
  throw new UsageError(`--port is an integer from 0 to ${maxPort}, not '${text}'`);
}
