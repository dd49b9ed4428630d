import { streamEnded, tombstoneMs } from '../lifecycle.js';
import type { ProducerStamp, ProducerState } from '../producer.js';
import { rejectFenced } from '../producer.js';

interface Tombstone {
  readonly until: number;
  readonly producers: ReadonlyMap<string, ProducerState>;
}

const noProducers: ReadonlyMap<string, ProducerState> = new Map();

/** What is left of deleted streams, in the order in which they were deleted. */
export class Tombstones {
  readonly #byStream = new Map<string, Tombstone>();

  add(key: string, producers: ReadonlyMap<string, ProducerState>, now: number): void {
    this.#purge(now);
    this.#byStream.set(key, { until: now + tombstoneMs, producers });
  }

  has(key: string, now: number): boolean {
    this.#purge(now);
    return this.#byStream.has(key);
  }

  /**
   * Lets a producer that has been told of the deletion, and has raised its epoch, begin anew.
   *
   * @returns the producers of the stream that begins: all of before, fenced
   * @throws ServiceError `producer_fenced`, or `stream_ended` for everybody else
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
    this.#byStream.clear();
  }

  #purge(now: number): void {
    for (const [key, { until }] of this.#byStream) {
      if (until > now) return;
      this.#byStream.delete(key);
    }
  }
}
