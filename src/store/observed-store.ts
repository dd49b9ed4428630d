import { type ErrorCode, ServiceError } from '../errors.js';
import type { StoredEvent } from '../events/event.js';
import type { StoredInput } from '../events/parse-inputs.js';
import type { StreamStatus } from './append-rules.js';
import type {
  Appended,
  AppendOptions,
  EventPage,
  LeaseRenewal,
  ListedStream,
  LogId,
  StoredRange,
  StreamEnd,
  StreamId,
  StreamInfo,
  StreamManager,
} from './stream-manager.js';

/** Observes changes of streams. It is on the path of every append, so it returns at once and does not throw. */
export interface StoreObserver {
  /** @param events the events stored now, without those of a retry that were stored before; may be empty */
  appended(
    stream: StreamId,
    events: readonly StoredEvent[],
    appended: Appended,
    tookMs: number,
  ): void;
  appendFailed(code: ErrorCode, tookMs: number): void;
  /** @param count number of inputs stored now */
  inputsStored(count: number): void;
  /** @param status status before the deletion; null when there was no stream, or it is unknown */
  deleted(stream: StreamId, status: StreamStatus | null): void;
}

/** Delegates to a store, and reports changes to an observer. */
export class ObservedStore implements StreamManager {
  constructor(
    readonly store: StreamManager,
    readonly observer: StoreObserver,
  ) {}

  get notifiesReliably(): boolean {
    return this.store.notifiesReliably;
  }

  async appendEvents(
    stream: StreamId,
    events: readonly StoredEvent[],
    options?: AppendOptions,
  ): Promise<Appended> {
    const startedAt = performance.now();
    let appended: Appended;
    try {
      appended = await this.store.appendEvents(stream, events, options);
    } catch (error) {
      const code = error instanceof ServiceError ? error.code : 'internal';
      this.observer.appendFailed(code, performance.now() - startedAt);
      throw error;
    }
    const stored = withoutRepeated(events, appended);
    this.observer.appended(stream, stored, appended, performance.now() - startedAt);
    return appended;
  }

  async deleteStream(stream: StreamId): Promise<void> {
    const info = await this.store.getStatus(stream).catch(() => null); // the deletion reports the error
    await this.store.deleteStream(stream);
    this.observer.deleted(stream, info?.status ?? null);
  }

  renewLease(stream: StreamId, renewal: LeaseRenewal): Promise<StreamInfo | null> {
    return this.store.renewLease(stream, renewal);
  }

  async appendInputs(
    stream: StreamId,
    inputs: readonly StoredInput[],
  ): Promise<StoredRange | null> {
    const stored = await this.store.appendInputs(stream, inputs);
    this.observer.inputsStored(stored?.count ?? 0);
    return stored;
  }

  getEvents(log: LogId, fromOffset: number, limit: number): Promise<EventPage> {
    return this.store.getEvents(log, fromOffset, limit);
  }

  findMoved(ends: readonly StreamEnd[]): Promise<readonly number[]> {
    return this.store.findMoved(ends);
  }

  getStatus(log: LogId, producerId?: string): Promise<StreamInfo | null> {
    return this.store.getStatus(log, producerId);
  }

  listStreams(sessionId: string): Promise<readonly ListedStream[]> {
    return this.store.listStreams(sessionId);
  }

  findOpenStream(sessionId: string): Promise<string | null> {
    return this.store.findOpenStream(sessionId);
  }

  wasDeleted(stream: StreamId): Promise<boolean> {
    return this.store.wasDeleted(stream);
  }

  watch(log: LogId, onChange: () => void): () => void {
    return this.store.watch(log, onChange);
  }

  ping(): Promise<void> {
    return this.store.ping();
  }

  close(): Promise<void> {
    return this.store.close();
  }
}

function withoutRepeated(events: readonly StoredEvent[], { count }: Appended) {
  return count === events.length ? events : events.slice(events.length - count);
}
