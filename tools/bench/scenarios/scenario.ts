import type { Job, Server, SystemName } from '../systems/system.js';

export const scenarioNames = [
  'fan-out',
  'fan-out-300',
  'fan-out-50',
  'single-post',
  'producer-post',
  'ndjson',
  'replay',
  'latency',
  'inputs',
  'idle',
  'idle-shared',
  'idle-many',
  'herd',
  'herd-shared',
  'hot-stream',
  'growth',
  'agents',
] as const;
export type ScenarioName = (typeof scenarioNames)[number];

/** What one system did in one round, by the names of the scenario's figures. */
export type Figures = Readonly<Record<string, number>>;

export interface FigureColumn {
  readonly name: string;
  readonly title: string;
  /** How many digits after the point are shown. */
  readonly digits?: number;
  readonly better: 'higher' | 'lower';
}

/** What Rejoin should reach. */
export interface Aim {
  readonly system: SystemName;
  readonly figure: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** The bound is that many times what this system did. */
  readonly times?: SystemName;
}

export interface Size {
  /** How long is measured. */
  readonly seconds: number;
  /** By what numbers of connections are divided: 1, or more where only the benchmark itself is tried. */
  readonly smaller: number;
  /** Whether scenarios of very many feeds have all that they can, rather than what most machines allow. */
  readonly isLarge?: boolean;
}

export interface Scenario {
  readonly name: ScenarioName;
  /** A sentence without its full stop. */
  readonly title: string;
  readonly systems: readonly SystemName[];
  readonly job: Job;
  /** How long it measures each system in a round, where that is not the benchmark's usual time. */
  readonly usualSeconds?: number;
  readonly usualRounds?: number;
  readonly figures: readonly FigureColumn[];
  readonly aims: readonly Aim[];
  /** @throws Error when an event was lost or repeated, or the server rejected something */
  readonly run: (server: Server, size: Size) => Promise<Figures>;
}

/** Feeds of the scenarios of very many: below the 20,000 file descriptors that many systems allow a process. */
export function manyFeeds({ smaller, isLarge = false }: Size): number {
  return (isLarge ? 100_000 : 18_000) / smaller;
}

/** Stream 0 is the one that scenarios measure; warm-ups have others. */
export function streamNumbers(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

/** The same stream for that many connections. */
export function timesStream(stream: number, count: number): number[] {
  return Array.from({ length: count }, () => stream);
}
