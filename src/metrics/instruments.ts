import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface Instrument {
  readonly registry: Registry;
  readonly name: string;
  readonly help: string;
}

/** A counter whose total is kept elsewhere, as a number, and read at each scrape. */
export function countTotal({ registry, name, help }: Instrument, total: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(total());
    },
  });
}

/** A gauge that is read at each scrape. */
export function showLevel({ registry, name, help }: Instrument, level: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(level());
    },
  });
}

/** A histogram of seconds. @param buckets their upper bounds, ascending */
export function measure({ registry, name, help }: Instrument, buckets: number[]): Histogram {
  return new Histogram({ name, help, buckets, registers: [registry] });
}

/** A counter by the known values of one label, each of which starts at 0. */
export function countBy<Value extends string>(
  { registry, name, help }: Instrument,
  label: string,
  values: readonly Value[],
): (value: Value) => void {
  const counter = new Counter({ name, help, labelNames: [label], registers: [registry] });
  const children = new Map(values.map((value) => [value, counter.labels(value)]));
  for (const child of children.values()) child.inc(0);
  return (value) => children.get(value)?.inc();
}

/** In seconds: from the time of an append in memory to the timeout of Redis. */
export const durationBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
];

/** In seconds: from an immediate answer to an agent that works for minutes. */
export const waitBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
