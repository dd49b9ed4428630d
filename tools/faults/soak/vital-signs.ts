import { readdirSync } from 'node:fs';
import { residentMib } from '../../../test/support/memory.js';
import type { ServiceNode } from '../scenarios/service-node.js';
import { type Sample, slopePerHour } from './slope.js';

/** What is sampled: name with unit, and how far it may go up in an hour. */
const signs = { 'RSS, MiB': 20, 'heap, MiB': 10, 'open files': 10, 'open feeds': 5 } as const;

type Sign = keyof typeof signs;

/** What a process of the service needs, sampled from time to time while nothing is asked of it. */
export class VitalSigns {
  readonly #samples = new Map<Sign, Sample[]>();

  constructor(
    readonly name: string,
    readonly node: ServiceNode,
    readonly begunAt: number,
  ) {}

  async sample(): Promise<void> {
    const hours = (performance.now() - this.begunAt) / 3_600_000;
    for (const [sign, value] of Object.entries(await this.#values())) {
      const known = this.#samples.get(sign as Sign) ?? [];
      this.#samples.set(sign as Sign, [...known, { hours, value }]);
    }
  }

  /** One line for each sign: first, last, most, and the slope of the second half. */
  report(): string[] {
    return [...this.#samples].map(([sign, samples]) => {
      const values = samples.map(({ value }) => value);
      const slope = slopePerHour(this.#afterWarmUp(samples)).toFixed(1);
      const most = Math.max(...values);
      return `${this.name}: ${sign} ${values[0]} at first, ${values.at(-1)} at last, ${most} at most, slope ${slope} an hour`;
    });
  }

  /** What goes up faster than it may. */
  breaches(): string[] {
    return [...this.#samples].flatMap(([sign, samples]) => {
      const slope = slopePerHour(this.#afterWarmUp(samples));
      if (slope <= signs[sign]) return [];
      return [`I11 ${this.name}: ${sign} goes up by ${slope.toFixed(1)} an hour`];
    });
  }

  /** Without the first third, in which caches and heaps come to their size. */
  #afterWarmUp(samples: readonly Sample[]): readonly Sample[] {
    return samples.slice(Math.floor(samples.length / 3));
  }

  async #values(): Promise<Record<Sign, number>> {
    const metrics = await (await fetch(`${this.node.url}/metrics`)).text();
    const metric = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]);
    return {
      'RSS, MiB': Math.round(residentMib(this.node.pid)),
      'heap, MiB': Math.round(metric('nodejs_heap_size_used_bytes') / 2 ** 20),
      'open files': readdirSync(`/proc/${this.node.pid}/fd`).length,
      'open feeds': metric('rejoin_feeds_open'),
    };
  }
}
