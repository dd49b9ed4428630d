import { Counter, Gauge, Registry } from 'prom-client';
import { TimeHistogram, type TimeHistogramOptions } from './time-histogram.js';

/** Values that are kept elsewhere, each with its labels. */
type Values = () => Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;

/** Creates the instruments of one registry. */
export class Instruments {
  readonly registry = new Registry();
  readonly #registers = [this.registry];

  /** A counter whose total is kept elsewhere, as a number, and read at each scrape. */
  total(name: string, help: string, total: () => number): void {
    this.totals(name, help, [], () => [[{}, total()]]);
  }

  /** The same with labels. */
  totals(name: string, help: string, labelNames: readonly string[], totals: Values): void {
    const collect = function (this: Counter) {
      this.reset();
      for (const [labels, total] of totals()) this.inc(labels, total);
    };
    new Counter({ name, help, labelNames, registers: this.#registers, collect });
  }

  /** A counter by the known values of one label, each of which starts at 0. */
  countBy<Value extends string>(
    name: string,
    help: string,
    label: string,
    values: readonly Value[],
  ): (value: Value) => void {
    const counts = new Map(values.map((value) => [value, 0]));
    const all = () => [...counts].map(([value, count]) => [{ [label]: value }, count] as const);
    this.totals(name, help, [label], all);
    return (value) => void counts.set(value, (counts.get(value) ?? 0) + 1);
  }

  /** A level that is read at each scrape. */
  level(name: string, help: string, level: () => number): void {
    this.levels(name, help, [], () => [[{}, level()]]);
  }

  /** The same with labels. */
  levels(name: string, help: string, labelNames: readonly string[], levels: Values): void {
    const collect = function (this: Gauge) {
      for (const [labels, level] of levels()) this.set(labels, level);
    };
    new Gauge({ name, help, labelNames, registers: this.#registers, collect });
  }

  /** A histogram of seconds. */
  seconds(options: TimeHistogramOptions): TimeHistogram {
    return new TimeHistogram(this.registry, options);
  }
}

/** In seconds: from the time of an append in memory to the timeout of Redis. */
export const durationBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
];

/** In seconds: from an immediate answer to an agent that works for minutes. */
export const waitBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
