import type { BaseLogger } from 'pino';
import { ServiceError, toLogFields, withMoreStored } from '../../errors.js';
import type { StoredEvent } from '../../events/event.js';
import type { StoredInput } from '../../events/parse-inputs.js';
import { tagAt } from '../../events/position.js';
import {
  type AppendPlan,
  passesStore,
  planAppend,
  sessionFull,
  streamEnded,
} from '../append-rules.js';
import { inputsFull } from '../input-rules.js';
import { leaseExpiredEvent } from '../lease-rules.js';
import {
  type Appended,
  type AppendOptions,
  type EventPage,
  inputsKeyOf,
  type LeaseRenewal,
  type LeasingStore,
  type ListedStream,
  type LogId,
  maxListedStreams,
  maxPageBytes,
  type StoredRange,
  type StoreOptions,
  type StreamEnd,
  type StreamId,
  type StreamInfo,
  type StreamManager,
  streamKey,
} from '../stream-manager.js';
import { Watchers } from '../watchers.js';
import { ExpiryQueue } from './expiry-queue.js';
import { LeaseSweep } from './leases.js';
import { MemoryStream } from './memory-stream.js';
import { Tombstones } from './tombstones.js';

export interface MemoryStreamManagerOptions extends StoreOptions {
  /** Max size of all streams, with `eventOverheadBytes` and `streamOverheadBytes` for each. */
  readonly maxBytes: number;
  readonly maxStreams: number;
  readonly logger?: BaseLogger;
}

/**
 * Memory of an event besides its bytes: its record and its slot in the stream. Measured as resident
 * memory, and rounded up.
 */
export const eventOverheadBytes = 400;

/** Memory of an input besides its bytes: more than of an event, as it has a buffer of its own and its id is kept. */
export const inputOverheadBytes = 1300;

/** Memory of a stream besides its events, measured in the same way. */
export const streamOverheadBytes = 1536;

/** Keeps streams in this process: nothing to install, and nothing survives a restart. */
export class MemoryStreamManager implements StreamManager, LeasingStore {
  /** All changes happen in this process, which notifies the watchers in the same step. */
  readonly notifiesReliably = true;
  readonly #sessions = new Map<string, Map<string, MemoryStream>>();
  readonly #watchers = new Watchers({
    onFailure: (error) => this.options.logger?.error(toLogFields(error), 'A watcher failed'),
  });
  readonly #expiry = new ExpiryQueue<MemoryStream>((stream) => this.#remove(stream));
  readonly #leases = new LeaseSweep<MemoryStream>((stream) => this.#expireLease(stream));
  readonly #tombstones: Tombstones;
  #streamCount = 0;
  #bytes = 0;
  #expiredLeases = 0;

  constructor(readonly options: MemoryStreamManagerOptions) {
    this.#tombstones = new Tombstones(options.maxStreams);
  }

  /** The current usage, as it counts against `maxBytes` and `maxStreams`. */
  get usage(): { readonly bytes: number; readonly streams: number } {
    return { bytes: this.#bytes, streams: this.#streamCount };
  }

  get expiredLeases(): number {
    return this.#expiredLeases;
  }

  /** Number of watched streams. */
  get watchedStreams(): number {
    return this.#watchers.size;
  }

  async appendEvents(
    id: StreamId,
    events: readonly StoredEvent[],
    options: AppendOptions = {},
  ): Promise<Appended> {
    const now = Date.now();
    const { producer, leaseMs, inputsAckOffset } = options;
    const stream = this.#find(id, now) ?? this.#begin(id, options, now);
    const skipped = producer ? stream.countStored(producer, events.length) : 0;
    const rest = events.slice(skipped);
    const offset = stream.events.length;
    stream.checkAck(inputsAckOffset, skipped);
    if (rest.length > 0) this.#appendRest(stream, rest, options, now, skipped);
    stream.acknowledge(inputsAckOffset);
    this.#takeHeartbeat(stream, leaseMs, now);
    const inputsNextOffset = stream.inputs?.events.length ?? 0;
    return { offset, nextOffset: stream.events.length, count: rest.length, inputsNextOffset };
  }

  async renewLease(id: StreamId, renewal: LeaseRenewal): Promise<StreamInfo | null> {
    const { leaseMs, producer, inputsAckOffset } = renewal;
    const now = Date.now();
    const stream = this.#find(id, now);
    if (stream === undefined) return null;
    if (producer !== undefined) stream.rejectFenced(producer);
    if (stream.ending === null) {
      stream.checkAck(inputsAckOffset);
      stream.acknowledge(inputsAckOffset);
    }
    this.#takeHeartbeat(stream, leaseMs, now);
    return stream.info(now);
  }

  async appendInputs(id: StreamId, inputs: readonly StoredInput[]): Promise<StoredRange | null> {
    const now = Date.now();
    const stream = this.#find(id, now);
    if (stream === undefined) {
      if (await this.wasDeleted(id)) throw streamEnded('deleted', 'inputs');
      return null;
    }
    const offset = stream.inputs?.events.length ?? 0;
    const added = stream.inputs?.newOf(inputs) ?? inputs;
    if (added.length > 0) this.#appendInputs(stream, added, inputs.length - added.length, now);
    return { offset, nextOffset: offset + added.length, count: added.length };
  }

  async getEvents(id: LogId, fromOffset: number, limit: number): Promise<EventPage> {
    const stored = this.#find(id, Date.now())?.log(id) ?? [];
    const events: StoredEvent[] = [];
    let bytes = 0;
    for (let index = fromOffset; index < stored.length && events.length < limit; index += 1) {
      const event = stored[index] as StoredEvent;
      bytes += event.bytes.length;
      if (bytes > maxPageBytes && events.length > 0) break;
      events.push(event);
    }
    const nextOffset = fromOffset + events.length;
    const atEnd = nextOffset >= stored.length;
    return { events, nextOffset, before: stored[fromOffset - 1], atEnd };
  }

  async findMoved(ends: readonly StreamEnd[]): Promise<readonly number[]> {
    const now = Date.now();
    return ends.flatMap(({ stream: id, end: { offset, tag } }, index) => {
      const stream = this.#find(id, now);
      const stored = stream?.log(id) ?? [];
      const isOver = id.log === 'inputs' && (stream?.ending ?? null) !== null;
      const isThere = stored.length === offset && tagAt(offset, stored[offset - 1]) === tag;
      return isThere && !isOver ? [] : [index];
    });
  }

  async getStatus(id: LogId, producerId?: string): Promise<StreamInfo | null> {
    const now = Date.now();
    return this.#find(id, now)?.info(now, id, producerId) ?? null;
  }

  async listStreams(sessionId: string): Promise<readonly ListedStream[]> {
    const now = Date.now();
    const newest = this.#newest(sessionId, now);
    return newest.map((stream) => ({ messageId: stream.id.messageId, info: stream.info(now) }));
  }

  async findOpenStream(sessionId: string): Promise<string | null> {
    const now = Date.now();
    const newest = this.#newest(sessionId, now);
    const open = newest.find((stream) => stream.info(now).status === 'open');
    return open?.id.messageId ?? null;
  }

  async deleteStream(id: StreamId): Promise<void> {
    const now = Date.now();
    const stream = this.#find(id, now);
    if (stream === undefined) return;
    this.#tombstones.add(streamKey(id), stream.producers, now);
    this.#expiry.remove(stream);
    this.#remove(stream);
  }

  async wasDeleted(id: StreamId): Promise<boolean> {
    return this.#tombstones.has(streamKey(id), Date.now());
  }

  watch(id: LogId, onChange: () => void): () => void {
    return this.#watchers.add(id, onChange);
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    this.#expiry.clear();
    this.#leases.clear();
    this.#tombstones.clear();
    this.#watchers.clear();
    this.#sessions.clear();
    this.#streamCount = 0;
    this.#bytes = 0;
  }

  /** The stream, unless it has expired: timers are not exact, so it may still be in the map. */
  #find({ sessionId, messageId }: StreamId, now: number): MemoryStream | undefined {
    const stream = this.#sessions.get(sessionId)?.get(messageId);
    if (stream === undefined || stream.expiresAt > now) return stream;
    this.#expiry.remove(stream);
    this.#remove(stream);
    return undefined;
  }

  /** A new stream, which is added to the map once something is stored in it. */
  #begin(id: StreamId, { producer, ttlMs }: AppendOptions, now: number): MemoryStream {
    const producers = this.#tombstones.pass(streamKey(id), producer, now);
    return new MemoryStream(id, now, ttlMs ?? this.options.ttlMs, producers);
  }

  #newest(sessionId: string, now: number): readonly MemoryStream[] {
    const streams = [...(this.#sessions.get(sessionId)?.values() ?? [])];
    return streams
      .filter(({ expiresAt }) => expiresAt > now)
      .reverse()
      .slice(0, maxListedStreams);
  }

  /** Rejects a batch when the store is full, unless it only ends its stream, which must always be possible. */
  #checkStore(stream: MemoryStream, plan: AppendPlan, footprint: number, now: number): void {
    const isNew = stream.events.length === 0;
    if (!isNew && passesStore(plan, stream.bytes)) return;
    this.#requireRoom(footprint, isNew, now);
  }

  /** @throws ServiceError `store_full` */
  #requireRoom(footprint: number, isNew: boolean, now: number): void {
    for (let isMore = true; isMore; isMore = this.#expiry.expire(now)) {
      if (this.#hasRoom(footprint, isNew)) return;
    }
    if (this.#hasRoom(footprint, isNew)) return;
    const { maxBytes, maxStreams } = this.options;
    throw new ServiceError(
      'store_full',
      `the store may have at most ${maxStreams} streams and ${maxBytes} bytes`,
    );
  }

  #hasRoom(footprint: number, isNew: boolean): boolean {
    const { maxBytes, maxStreams } = this.options;
    return this.#bytes + footprint <= maxBytes && (!isNew || this.#streamCount < maxStreams);
  }

  #checkSession({ sessionId }: StreamId): void {
    const { limits } = this.options;
    const count = this.#sessions.get(sessionId)?.size ?? 0;
    if (count >= limits.maxSessionStreams) throw sessionFull(limits);
  }

  #keep(stream: MemoryStream): void {
    const { sessionId, messageId } = stream.id;
    this.#tombstones.remove(streamKey(stream.id));
    const session = this.#sessions.get(sessionId) ?? new Map<string, MemoryStream>();
    this.#sessions.set(sessionId, session.set(messageId, stream));
    this.#streamCount += 1;
  }

  /** @param rest the rest of a batch, whose first `skipped` events were stored before */
  #appendRest(
    stream: MemoryStream,
    rest: readonly StoredEvent[],
    { producer, inputsAckOffset }: AppendOptions,
    now: number,
    skipped: number,
  ): void {
    const plan = planAppend(rest);
    try {
      if (plan.rejection !== null) throw plan.rejection;
      stream.check(plan, this.options.limits, now);
      stream.rejectUnread(plan, inputsAckOffset);
      if (producer !== undefined) stream.rejectOneMoreProducer(producer);
      if (stream.events.length === 0) this.#checkSession(stream.id);
      this.#checkStore(stream, plan, overheadOf(stream, rest) + stream.growthFor(plan), now);
    } catch (error) {
      throw error instanceof ServiceError ? withMoreStored(error, skipped) : error;
    }
    this.#store(stream, rest, plan, now);
    if (producer !== undefined) stream.advance(producer, producer.seq + skipped + rest.length);
  }

  #store(
    stream: MemoryStream,
    events: readonly StoredEvent[],
    plan: AppendPlan,
    now: number,
  ): void {
    const overhead = overheadOf(stream, events);
    const isNew = stream.events.length === 0;
    const room = Math.max(this.options.maxBytes - this.#bytes - overhead, stream.growthFor(plan));
    const footprint = overhead + stream.append(events, plan, room, now);
    if (isNew) this.#keep(stream);
    stream.footprint += footprint;
    this.#bytes += footprint;
    const key = streamKey(stream.id);
    this.#watchers.notify(key);
    if (plan.ending !== null) this.#watchers.notify(inputsKeyOf(key));
  }

  /** @param skipped number of inputs of the call that were stored before */
  #appendInputs(
    stream: MemoryStream,
    inputs: readonly StoredInput[],
    skipped: number,
    now: number,
  ): void {
    if (stream.ending !== null) throw withMoreStored(streamEnded(stream.ending, 'inputs'), skipped);
    const { limits } = this.options;
    const bytes = inputs.reduce((sum, input) => sum + input.bytes.length, 0);
    const { events: stored, bytes: storedBytes } = stream.inputs ?? { events: [], bytes: 0 };
    const isFull =
      stored.length + inputs.length > limits.maxStreamInputs ||
      storedBytes + bytes > limits.maxStreamInputBytes;
    if (isFull) throw inputsFull(limits, skipped);
    const footprint = bytes + inputs.length * inputOverheadBytes;
    try {
      this.#requireRoom(footprint, false, now);
    } catch (error) {
      throw withMoreStored(error as ServiceError, skipped);
    }
    stream.beginInputs().append(inputs);
    stream.footprint += footprint;
    this.#bytes += footprint;
    this.#watchers.notify(inputsKeyOf(streamKey(stream.id)));
  }

  #takeHeartbeat(stream: MemoryStream, leaseMs: number | undefined, now: number): void {
    stream.takeHeartbeat(leaseMs, this.options.maxAgeMs, now);
    this.#expiry.update(stream);
    if (stream.isLeased) this.#leases.add(stream); // the sweep removes those that have ended
  }

  /** Ends the stream regardless of all limits: its readers must not wait for ever because the store is full. */
  #expireLease(stream: MemoryStream): void {
    this.#expiredLeases += 1;
    const end = [leaseExpiredEvent()];
    this.#store(stream, end, planAppend(end), Date.now());
    this.#expiry.update(stream);
  }

  #remove(stream: MemoryStream): void {
    const { sessionId, messageId } = stream.id;
    const session = this.#sessions.get(sessionId);
    session?.delete(messageId);
    if (session?.size === 0) this.#sessions.delete(sessionId);
    this.#leases.remove(stream);
    this.#streamCount -= 1;
    this.#bytes -= stream.footprint;
    const key = streamKey(stream.id);
    this.#watchers.notify(key);
    this.#watchers.notify(inputsKeyOf(key));
  }
}

/** The memory of the events besides their bytes, and of the stream if they are its first. */
function overheadOf(stream: MemoryStream, events: readonly StoredEvent[]): number {
  const ofStream = stream.events.length === 0 ? streamOverheadBytes : 0;
  return ofStream + events.length * eventOverheadBytes;
}
