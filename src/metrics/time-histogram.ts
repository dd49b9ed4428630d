import type { Metric } from 'prom-client';
import type { Instrument } from './instruments.js';

interface TimeHistogramOptions extends Instrument {
  /** Upper bounds in seconds, ascending. */
  readonly buckets: readonly number[];
  /** The same for all series. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The label by whose values the series differ, with those that are there from the start. */
  readonly by?: { readonly label: string; readonly values: readonly string[] };
}

/**
 * A histogram of times for the path of every append: prom-client's own looks up and checks labels
 * with each observation, which costs more than what is measured. To a registry it is a metric like
 * any other.
 */
export class TimeHistogram {
  readonly #series = new Map<string, Series>();

  constructor(readonly options: TimeHistogramOptions) {
    for (const value of options.by?.values ?? ['']) this.#add(value);
    const { name, help } = options;
    const metric = { name, help, type: 'histogram', get: async () => this.#toMetric(), reset() {} };
    options.registry.registerMetric(metric as unknown as Metric);
  }

  /** @param value of the label, if there is one */
  observe(seconds: number, value = ''): void {
    (this.#series.get(value) ?? this.#add(value)).observe(seconds);
  }

  #add(value: string): Series {
    const series = new Series(this.options.buckets);
    this.#series.set(value, series);
    return series;
  }

  #toMetric() {
    const { name, help, labels, by } = this.options;
    const values = [...this.#series].flatMap(([value, series]) =>
      series.toValues(name, by === undefined ? { ...labels } : { ...labels, [by.label]: value }),
    );
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }
}

/** One series: how many times fell under each bound and not under the one before. */
class Series {
  readonly #counts: number[];
  #sum = 0;

  constructor(readonly buckets: readonly number[]) {
    this.#counts = new Array(buckets.length + 1).fill(0);
  }

  observe(seconds: number): void {
    let index = 0;
    while (index < this.buckets.length && seconds > (this.buckets[index] as number)) index += 1;
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#sum += seconds;
  }

  /** As Prometheus wants them: each bucket counts all that is under its bound. */
  toValues(name: string, labels: Readonly<Record<string, string>>) {
    let total = 0;
    const values = this.#counts.map((count, index) => {
      total += count;
      const le = this.buckets[index] ?? '+Inf';
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: total };
    });
    return [
      ...values,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: total },
    ];
  }
}
