import type { Findings } from './findings.js';
import type { Scope } from './scope.js';

/** A row of the table: what is done to the service under load, and what must hold nevertheless. */
export interface Fault {
  /** For the command line, in kebab-case. */
  readonly name: string;
  readonly backend: 'memory' | 'Redis';
  /** What is done. */
  readonly title: string;
  /** What must hold. */
  readonly promise: string;
  /** How often it is done by `--full`. */
  readonly runs: number;
  /** Injects it once. What breaks the promise is a breach in the findings, not an exception. */
  inject(run: Run): Promise<Findings>;
}

/** One time that a fault is done. */
export interface Run {
  /** Which run of this fault it is, from 0. */
  readonly index: number;
  readonly isFull: boolean;
  /** How many inputs the usual load has; null: as many as usual. */
  readonly inputsPerSecond: number | null;
  /** Numbers in [0, 1) that the seed of the run repeats. */
  readonly random: () => number;
  /** Ended after the run. */
  readonly scope: Scope;
}
