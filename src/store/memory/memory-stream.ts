import type { Ending, StoredEvent } from '../../events/event.js';
import {
  type AppendPlan,
  expectedSeq,
  maxProducers,
  type ProducerStamp,
  type ProducerState,
  producerGap,
  rejectFenced,
  type StreamLimits,
  streamEnded,
  streamFull,
  titleGraceMs,
  tooManyProducers,
} from '../append-rules.js';
import { inputsGap, inputsUnread } from '../input-rules.js';
import { leasedForMs } from '../lease-rules.js';
import { infoOfInputs, type LogId, type StreamId, type StreamInfo } from '../stream-manager.js';
import type { Expiring } from './expiry-queue.js';
import { MemoryInputs } from './memory-inputs.js';

/** One stream held by this process. Times are milliseconds since 1970. */
export class MemoryStream implements Expiring {
  place = -1;
  dueAt = 0;
  #events: StoredEvent[] = [];
  /** Size of the stream as it counts against the limit of the store, in bytes. */
  footprint = 0;
  expiresAt = 0;
  readonly #kept = new KeptBytes();
  #bytes = 0;
  #updatedAt: number;
  readonly #firstProducers: ReadonlyMap<string, ProducerState>;
  /** Null while the producers are still the first ones: most streams have none, and a map takes memory. */
  #ownProducers: Map<string, ProducerState> | null = null;
  #lease: { readonly durationMs: number; readonly until: number } | null = null;
  #ended: { readonly how: Ending; readonly at: number; readonly offset: number } | null = null;
  /** Null until there are any. */
  #inputs: MemoryInputs | null = null;

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

  get inputs(): MemoryInputs | null {
    return this.#inputs;
  }

  /** The inputs of the stream, to which some are added now. */
  beginInputs(): MemoryInputs {
    this.#inputs ??= new MemoryInputs();
    return this.#inputs;
  }

  /** The records of one of the logs. */
  log({ log }: LogId): readonly StoredEvent[] {
    return log === undefined ? this.#events : (this.#inputs?.events ?? []);
  }

  /** How the stream has ended; null while it is open. */
  get ending(): Ending | null {
    return this.#ended?.how ?? null;
  }

  get #inputsNextOffset(): number {
    return this.#inputs?.events.length ?? 0;
  }

  /** @param stored number of events of the call that were stored before @throws ServiceError `inputs_gap` */
  checkAck(ackOffset = 0, stored = 0): void {
    if (ackOffset > this.#inputsNextOffset) throw inputsGap(this.#inputsNextOffset, stored);
  }

  /** @param ackOffset one that `checkAck` has accepted */
  acknowledge(ackOffset = 0): void {
    if (this.#inputs === null) return;
    this.#inputs.ackOffset = Math.max(this.#inputs.ackOffset, ackOffset);
  }

  /** @throws ServiceError `inputs_unread` when a worker that acknowledges inputs ends the stream too early */
  rejectUnread({ ending }: AppendPlan, ackOffset: number | undefined): void {
    if (ending === null || ackOffset === undefined || this.#inputs === null) return;
    const acknowledged = Math.max(this.#inputs.ackOffset, ackOffset);
    if (acknowledged < this.#inputsNextOffset) throw inputsUnread(this.#inputsNextOffset);
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

  /** Min number of bytes to allocate for the batch. */
  growthFor({ totalBytes }: AppendPlan): number {
    return this.#kept.growthFor(totalBytes);
  }

  /**
   * @param room limit of the allocation in bytes, at least `growthFor(plan)`
   * @returns the number of bytes allocated
   */
  append(events: readonly StoredEvent[], plan: AppendPlan, room: number, now: number): number {
    const growth = this.#kept.reserve(plan.totalBytes, room);
    // A push to an array allocates ahead, and many streams have a single append.
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
   * Number of events of the batch that were stored before.
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

  /** @param nextSeq the next sequence number of the producer */
  advance({ id, epoch }: ProducerStamp, nextSeq: number): void {
    this.#ownProducers ??= new Map(this.#firstProducers);
    this.#ownProducers.set(id, { epoch, nextSeq });
  }

  /** @throws ServiceError `producer_fenced` */
  rejectFenced({ id, epoch }: Pick<ProducerStamp, 'id' | 'epoch'>): void {
    rejectFenced(this.producers.get(id), epoch);
  }

  /**
   * Handles a heartbeat, which may change the length of the lease.
   *
   * @param maxAgeMs how long after its creation heartbeats keep the stream from expiring
   */
  takeHeartbeat(leaseMs: number | undefined, maxAgeMs: number, now: number): void {
    if (this.#ended !== null) return;
    const durationMs = leaseMs ?? this.#lease?.durationMs;
    if (durationMs !== undefined) this.#lease = { durationMs, until: now + durationMs };
    const livesMs = Math.max(this.ttlMs, durationMs === undefined ? 0 : leasedForMs(durationMs));
    const until = Math.min(now + livesMs, this.createdAt + maxAgeMs);
    this.expiresAt = Math.max(this.expiresAt, until);
  }

  get isLeased(): boolean {
    return this.#lease !== null && this.#ended === null;
  }

  hasExpiredLease(now: number, since: number): boolean {
    if (this.#lease === null || this.#ended !== null) return false;
    return now >= Math.max(this.#lease.until, since + this.#lease.durationMs);
  }

  /** The status as one of the logs has it. */
  info(now: number, { log }: Pick<LogId, 'log'> = {}, producerId?: string): StreamInfo {
    const info = this.#info(now, producerId);
    return log === undefined ? info : infoOfInputs(info, this.#inputs?.events.at(-1) ?? null);
  }

  #info(now: number, producerId: string | undefined): StreamInfo {
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
      inputs: { nextOffset: this.#inputsNextOffset, ackOffset: this.#inputs?.ackOffset ?? 0 },
    };
  }

  #keep({ bytes, type, ending }: StoredEvent): StoredEvent {
    return { bytes: this.#kept.keep(bytes), type, ending };
  }
}

/** Max memory allocated ahead of need. */
const maxAheadBytes = 64 * 1024;

const noBytes = Buffer.alloc(0);

/**
 * The bytes of one stream's events, in few pieces of memory: a piece for each event would cost more
 * memory and time than a typical event itself. A stream allocates as much ahead as it already holds, so
 * that at most half of its memory is unused, and no more than 64 KiB.
 */
export class KeptBytes {
  #piece: Buffer = noBytes;
  #used = 0;
  #keptBytes = 0;

  /** Min number of bytes to allocate to keep this many more. */
  growthFor(bytes: number): number {
    return this.#used + bytes <= this.#piece.length ? 0 : bytes;
  }

  /**
   * Makes room for this many more bytes.
   *
   * @param max limit of the allocation, at least `growthFor(bytes)`
   * @returns the number of bytes allocated
   */
  reserve(bytes: number, max: number): number {
    if (this.growthFor(bytes) === 0) return 0;
    const ahead = Math.min(this.#keptBytes, maxAheadBytes, max);
    this.#piece = Buffer.allocUnsafeSlow(Math.max(bytes, ahead));
    this.#used = 0;
    return this.#piece.length;
  }

  /** Copies the bytes, for which room was reserved, as they may be a view of a larger buffer. */
  keep(bytes: Buffer): Buffer {
    const end = this.#used + bytes.length;
    const fillsPiece = bytes.length === this.#piece.length; // as the first event of a stream does
    const kept = fillsPiece ? this.#piece : this.#piece.subarray(this.#used, end);
    bytes.copy(kept);
    this.#used = end;
    this.#keptBytes += bytes.length;
    return kept;
  }
}
