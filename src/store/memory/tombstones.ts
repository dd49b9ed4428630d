import { streamEnded, tombstoneMs } from '../lifecycle.js';
import type { ProducerStamp, ProducerState } from '../producer.js';
import { rejectFenced } from '../producer.js';

interface Tombstone {
  readonly until: number;
  readonly producers: ReadonlyMap<string, ProducerState>;
}

const noProducers: ReadonlyMap<string, ProducerState> = new Map();

/** Markers of deleted streams, in the order of deletion, that keep late appends from creating them again. */
export class Tombstones {
  readonly #byStream = new Map<string, Tombstone>();
  #timer: NodeJS.Timeout | null = null;

  /** @param max limit of tombstones; the oldest ones are evicted */
  constructor(
    readonly max: number,
    readonly keptMs = tombstoneMs,
  ) {}

  get size(): number {
    return this.#byStream.size;
  }

  add(key: string, producers: ReadonlyMap<string, ProducerState>, now: number): void {
    this.#purge(now);
    const kept = producers.size === 0 ? noProducers : producers;
    this.#byStream.delete(key); // a repeated deletion makes it the newest
    this.#byStream.set(key, { until: now + this.keptMs, producers: kept });
    const [oldest] = this.#byStream.keys();
    if (this.#byStream.size > this.max) this.#byStream.delete(oldest as string);
    this.#schedule();
  }

  has(key: string, now: number): boolean {
    this.#purge(now);
    return this.#byStream.has(key);
  }

  /**
   * Admits a producer that is aware of the deletion and has raised its epoch.
   *
   * @returns the producers of the new stream: all those of the deleted one, fenced
   * @throws ServiceError `producer_fenced`, or `stream_ended` for anybody else
   */
  pass(
    key: string,
    producer: ProducerStamp | undefined,
    now: number,
  ): ReadonlyMap<string, ProducerState> {
    this.#purge(now);
    const tombstone = this.#byStream.get(key);
    if (tombstone === undefined) return noProducers;
    const known = tombstone.producers.get(producer?.id ?? '');
    if (producer !== undefined) rejectFenced(known, producer.epoch);
    if (producer === undefined || known === undefined || producer.epoch === known.epoch) {
      throw streamEnded('deleted');
    }
    const fenced = [...tombstone.producers].map(([id, { epoch }]) => {
      return [id, { epoch: epoch + 1, nextSeq: 0 }] as const;
    });
    return new Map(fenced);
  }

  remove(key: string): void {
    this.#byStream.delete(key);
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#byStream.clear();
  }

  /** Schedules a purge, so that tombstones expire even if nobody reads them. */
  #schedule(): void {
    if (this.#timer !== null || this.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#purge(Date.now());
      this.#schedule();
    }, this.keptMs / 10);
    this.#timer.unref();
  }

  #purge(now: number): void {
    for (const [key, { until }] of this.#byStream) {
      if (until > now) return;
      this.#byStream.delete(key);
    }
  }
}
