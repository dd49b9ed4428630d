import {
  type ProducerStamp,
  type ProducerState,
  rejectFenced,
  streamEnded,
  tombstoneMs,
} from '../append-rules.js';
import { type Expiring, ExpiryQueue } from './expiry-queue.js';

interface Tombstone extends Expiring {
  readonly key: string;
  readonly producers: ReadonlyMap<string, ProducerState>;
}

const noProducers: ReadonlyMap<string, ProducerState> = new Map();

/** Markers of deleted streams, in the order of deletion, that keep late appends from creating them again. */
export class Tombstones {
  readonly #byStream = new Map<string, Tombstone>();
  readonly #expiry = new ExpiryQueue<Tombstone>(({ key }) => this.#byStream.delete(key));

  /** @param max limit of tombstones; the oldest ones are evicted */
  constructor(
    readonly max: number,
    readonly keptMs = tombstoneMs,
  ) {}

  get size(): number {
    return this.#byStream.size;
  }

  add(key: string, producers: ReadonlyMap<string, ProducerState>, now: number): void {
    this.remove(key); // a repeated deletion makes it the newest
    const kept = producers.size === 0 ? noProducers : producers;
    const expiresAt = now + this.keptMs;
    const tombstone = { key, producers: kept, expiresAt, place: -1, dueAt: 0 };
    this.#byStream.set(key, tombstone);
    this.#expiry.update(tombstone);
    const [oldest] = this.#byStream.keys();
    if (this.#byStream.size > this.max) this.remove(oldest as string);
  }

  has(key: string, now: number): boolean {
    return this.#find(key, now) !== undefined;
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
    const tombstone = this.#find(key, now);
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
    const tombstone = this.#byStream.get(key);
    if (tombstone === undefined) return;
    this.#byStream.delete(key);
    this.#expiry.remove(tombstone);
  }

  clear(): void {
    this.#expiry.clear();
    this.#byStream.clear();
  }

  /** The tombstone, unless it has expired. */
  #find(key: string, now: number): Tombstone | undefined {
    const tombstone = this.#byStream.get(key);
    return tombstone !== undefined && tombstone.expiresAt > now ? tombstone : undefined;
  }
}
