import { ServiceError } from '../../errors.js';
import { type AppendPlan, planAppend, type StreamLimits } from '../lifecycle.js';
import type { StoredEvent } from '../stream-event.js';
import { type StreamId, streamKey } from '../stream-id.js';
import {
  type Appended,
  type EventPage,
  maxPageBytes,
  type StreamInfo,
  type StreamManager,
} from '../stream-manager.js';
import { Watchers } from '../watchers.js';
import { ExpiryQueue } from './expiry-queue.js';
import { MemoryStream } from './memory-stream.js';

export interface MemoryStreamManagerOptions {
  /** A stream is forgotten this long after its last append. */
  readonly ttlMs: number;
  readonly limits: StreamLimits;
  /** The most bytes of all streams, with `eventOverheadBytes` for each event. */
  readonly maxBytes: number;
  readonly maxStreams: number;
}

/** What an event costs beside its bytes: its record, its buffer and its place in the stream. */
export const eventOverheadBytes = 256;

/** Streams of this process: nothing to install, nothing kept when the process ends. */
export class MemoryStreamManager implements StreamManager {
  readonly #sessions = new Map<string, Map<string, MemoryStream>>();
  readonly #watchers = new Watchers();
  readonly #expiry = new ExpiryQueue((stream) => this.#forget(stream));
  #streamCount = 0;
  #bytes = 0;

  constructor(readonly options: MemoryStreamManagerOptions) {}

  /** What is held now, as it counts against `maxBytes` and `maxStreams`. */
  get usage(): { readonly bytes: number; readonly streams: number } {
    return { bytes: this.#bytes, streams: this.#streamCount };
  }

  /** How many streams are watched. */
  get watchedStreams(): number {
    return this.#watchers.size;
  }

  async appendEvents(id: StreamId, events: readonly StoredEvent[]): Promise<Appended> {
    const plan = planAppend(events);
    const now = Date.now();
    this.#expiry.expire(now);
    const known = this.#find(id);
    const stream = known ?? new MemoryStream(id, now);
    stream.check(plan, this.options.limits, now);
    const footprint = plan.totalBytes + events.length * eventOverheadBytes;
    this.#checkStore(footprint, known === undefined);
    if (known === undefined) this.#keep(stream);
    return this.#append(stream, events, plan, footprint, now);
  }

  async getEvents(id: StreamId, fromOffset: number, limit: number): Promise<EventPage> {
    this.#expiry.expire(Date.now());
    const stored = this.#find(id)?.events ?? [];
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

  async getStatus(id: StreamId): Promise<StreamInfo | null> {
    const now = Date.now();
    this.#expiry.expire(now);
    return this.#find(id)?.info(now) ?? null;
  }

  watch(id: StreamId, onWake: () => void): () => void {
    return this.#watchers.add(id, onWake);
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    this.#expiry.clear();
    this.#watchers.clear();
    this.#sessions.clear();
    this.#streamCount = 0;
    this.#bytes = 0;
  }

  #find({ sessionId, messageId }: StreamId): MemoryStream | undefined {
    return this.#sessions.get(sessionId)?.get(messageId);
  }

  #checkStore(footprint: number, isNew: boolean): void {
    const { maxBytes, maxStreams } = this.options;
    const full = this.#bytes + footprint > maxBytes || (isNew && this.#streamCount >= maxStreams);
    if (!full) return;
    throw new ServiceError(
      'store_full',
      `the store may hold ${maxStreams} streams and ${maxBytes} bytes; nothing was stored`,
    );
  }

  #keep(stream: MemoryStream): void {
    const { sessionId, messageId } = stream.id;
    const session = this.#sessions.get(sessionId) ?? new Map<string, MemoryStream>();
    this.#sessions.set(sessionId, session.set(messageId, stream));
    this.#streamCount += 1;
  }

  #append(
    stream: MemoryStream,
    events: readonly StoredEvent[],
    plan: AppendPlan,
    footprint: number,
    now: number,
  ): Appended {
    const offset = stream.events.length;
    stream.append(events, plan, now);
    stream.footprint += footprint;
    this.#bytes += footprint;
    stream.expiresAt = now + this.options.ttlMs;
    this.#expiry.renew(stream);
    this.#watchers.wake(streamKey(stream.id));
    return { offset, nextOffset: stream.events.length };
  }

  #forget(stream: MemoryStream): void {
    const { sessionId, messageId } = stream.id;
    const session = this.#sessions.get(sessionId);
    session?.delete(messageId);
    if (session?.size === 0) this.#sessions.delete(sessionId);
    this.#streamCount -= 1;
    this.#bytes -= stream.footprint;
    this.#watchers.wake(streamKey(stream.id));
  }
}
