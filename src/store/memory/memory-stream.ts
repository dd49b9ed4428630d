import type { Ending } from '../../events/event.js';
import type { StoredEvent } from '../../events/stored-event.js';
import { leasedForMs } from '../lease.js';
import {
  type AppendPlan,
  type StreamLimits,
  streamEnded,
  streamFull,
  titleGraceMs,
} from '../lifecycle.js';
import {
  expectedSeq,
  maxProducers,
  type ProducerStamp,
  type ProducerState,
  producerGap,
  rejectFenced,
  tooManyProducers,
} from '../producer.js';
import type { StreamId } from '../stream-id.js';
import type { StreamInfo } from '../stream-manager.js';
import type { Expiring } from './expiry-queue.js';
import { KeptBytes } from './kept-bytes.js';

/** One stream held by this process. Times are milliseconds since 1970. */
export class MemoryStream implements Expiring {
  place = -1;
  dueAt = 0;
  #events: StoredEvent[] = [];
  /** How many bytes the stream counts against the limit of the store. */
  footprint = 0;
  expiresAt = 0;
  readonly #kept = new KeptBytes();
  #bytes = 0;
  #updatedAt: number;
  readonly #firstProducers: ReadonlyMap<string, ProducerState>;
  /** Null while they are the first ones: most streams have no producers, and a map takes memory. */
  #ownProducers: Map<string, ProducerState> | null = null;
  #lease: { readonly durationMs: number; readonly until: number } | null = null;
  #ended: { readonly how: Ending; readonly at: number; readonly offset: number } | null = null;

  constructor(
    readonly id: StreamId,
    readonly createdAt: number,
    readonly ttlMs: number,
    producers: ReadonlyMap<string, ProducerState>,
  ) {
    this.#firstProducers = producers;
    this.#updatedAt = createdAt;
  }

  get events(): readonly StoredEvent[] {
    return this.#events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws ServiceError `stream_ended` or `stream_full` when the batch may not be appended. */
  check(plan: AppendPlan, limits: StreamLimits, now: number): void {
    if (this.#ended !== null) {
      const late = plan.mayFollowEnd && now - this.#ended.at <= titleGraceMs;
      if (!late) throw streamEnded(this.#ended.how);
    }
    const full =
      this.events.length + plan.countedEvents > limits.maxStreamEvents ||
      this.#bytes + plan.countedBytes > limits.maxStreamBytes;
    if (full && plan.countedEvents > 0) throw streamFull(limits);
  }

  /** How many bytes of memory the batch takes, at least. */
  growthFor({ totalBytes }: AppendPlan): number {
    return this.#kept.growthFor(totalBytes);
  }

  /**
   * @param room how many bytes of memory may be taken; not less than `growthFor` says
   * @returns how many were
   */
  append(events: readonly StoredEvent[], plan: AppendPlan, room: number, now: number): number {
    const growth = this.#kept.reserve(plan.totalBytes, room);
    // An array takes room ahead when it is pushed to, and many streams have one append only.
    if (this.#events.length === 0) this.#events = events.map((event) => this.#keep(event));
    else for (const event of events) this.#events.push(this.#keep(event));
    this.#bytes += plan.totalBytes;
    this.#updatedAt = now;
    this.expiresAt = now + this.ttlMs;
    if (plan.ending !== null) {
      this.#ended = { how: plan.ending, at: now, offset: this.#events.length };
    }
    return growth;
  }

  /**
   * How many events of the batch are stored already.
   *
   * @throws ServiceError `producer_fenced` or `producer_gap`
   */
  countStored(producer: ProducerStamp, count: number): number {
    const known = this.producers.get(producer.id);
    rejectFenced(known, producer.epoch);
    const expected = expectedSeq(known, producer.epoch);
    if (producer.seq > expected) throw producerGap(expected);
    return Math.min(expected - producer.seq, count);
  }

  get producers(): ReadonlyMap<string, ProducerState> {
    return this.#ownProducers ?? this.#firstProducers;
  }

  /** @throws ServiceError `too_many_producers` */
  rejectOneMoreProducer({ id }: ProducerStamp): void {
    if (!this.producers.has(id) && this.producers.size >= maxProducers) throw tooManyProducers();
  }

  /** @param nextSeq what is expected of the producer from now on */
  advance({ id, epoch }: ProducerStamp, nextSeq: number): void {
    this.#ownProducers ??= new Map(this.#firstProducers);
    this.#ownProducers.set(id, { epoch, nextSeq });
  }

  /** @throws ServiceError `producer_fenced` */
  rejectFenced({ id, epoch }: Pick<ProducerStamp, 'id' | 'epoch'>): void {
    rejectFenced(this.producers.get(id), epoch);
  }

  /**
   * Takes a heartbeat, which may also say how long the lease is from now on.
   *
   * @param maxAgeMs how long after its beginning heartbeats keep the stream
   */
  takeHeartbeat(leaseMs: number | undefined, maxAgeMs: number, now: number): void {
    if (this.#ended !== null) return;
    const durationMs = leaseMs ?? this.#lease?.durationMs;
    if (durationMs !== undefined) this.#lease = { durationMs, until: now + durationMs };
    const livesMs = Math.max(this.ttlMs, durationMs === undefined ? 0 : leasedForMs(durationMs));
    const until = Math.min(now + livesMs, this.createdAt + maxAgeMs);
    this.expiresAt = Math.max(this.expiresAt, until);
  }

  /** Whether heartbeats have to come. */
  get isLeased(): boolean {
    return this.#lease !== null && this.#ended === null;
  }

  /** @param since since when heartbeats could arrive without a break */
  hasExpiredLease(now: number, since: number): boolean {
    if (this.#lease === null || this.#ended !== null) return false;
    return now >= Math.max(this.#lease.until, since + this.#lease.durationMs);
  }

  info(now: number, producerId?: string): StreamInfo {
    return {
      nextOffset: this.events.length,
      lastEvent: this.events.at(-1) as StoredEvent,
      status: this.#ended?.how ?? 'open',
      endedForMs: this.#ended === null ? null : now - this.#ended.at,
      endedOffset: this.#ended?.offset ?? null,
      createdAt: this.createdAt,
      updatedAt: this.#updatedAt,
      expiresAt: this.expiresAt,
      ttlMs: this.ttlMs,
      producer: this.producers.get(producerId ?? '') ?? null,
    };
  }

  #keep({ bytes, type, ending }: StoredEvent): StoredEvent {
    return { bytes: this.#kept.keep(bytes), type, ending };
  }
}
