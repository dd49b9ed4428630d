import type { StoredBytes, StoredEvent } from '../events/stored-event.js';
import type { StreamStatus } from './lifecycle.js';
import type { ProducerStamp, ProducerState } from './producer.js';
import type { StreamId } from './stream-id.js';

/** A page ends before the event that would take it over this, unless that is its only one. */
export const maxPageBytes = 256 * 1024;

/** What an append did. */
export interface Appended {
  /** The offset of the first event stored: its index in the stream. */
  readonly offset: number;
  /** The offset after the last event stored now; the end of the stream when none was. */
  readonly nextOffset: number;
  /** How many events were stored now: fewer than were given when the others were stored before. */
  readonly count: number;
}

export interface AppendOptions {
  /** Makes the append idempotent. */
  readonly producer?: ProducerStamp | undefined;
  /** Milliseconds within which the next heartbeat, or the end of the stream, has to follow. */
  readonly leaseMs?: number | undefined;
  /** The time to live of the stream in milliseconds, if it begins with this append; else ignored. */
  readonly ttlMs?: number | undefined;
}

/** A heartbeat without an event. */
export interface LeaseRenewal {
  readonly leaseMs: number;
  /** Whose heartbeat it is: a worker that was taken over from cannot renew the lease. */
  readonly producer?: Pick<ProducerStamp, 'id' | 'epoch'> | undefined;
}

/** A bounded part of a stream, in stored order. */
export interface EventPage {
  readonly events: readonly StoredEvent[];
  /** `fromOffset + events.length`, also when there are none. */
  readonly nextOffset: number;
  /**
   * The event just before `fromOffset`, taken together with `events`. Undefined when `fromOffset`
   * is 0 or lies past the end of the stream: callers that resume compare it with what they saw.
   */
  readonly before: StoredBytes | undefined;
  /** True when nothing was stored after `events` at the time of the read. */
  readonly atEnd: boolean;
}

/** What is known of a stream. Times are milliseconds since 1970 by the clock of the store. */
export interface StreamInfo {
  /** The offset after the last event. */
  readonly nextOffset: number;
  readonly lastEvent: StoredEvent;
  readonly status: StreamStatus;
  /** Milliseconds since the stream ended; null while it is open. */
  readonly endedForMs: number | null;
  /**
   * The offset after the terminal event, or after the titles that came with it; null while the stream
   * is open. Of what lies behind, readers get late titles only: another program may push anything.
   */
  readonly endedOffset: number | null;
  /** When this service first saw the stream: for its own streams, the time of the first append. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Null when another program stored the stream without a time to live. */
  readonly expiresAt: number | null;
  /** How long the stream is kept after its last event: its own time to live, or that of the store. */
  readonly ttlMs: number;
  /** How far the producer is that was asked for; null when it is unknown or none was asked for. */
  readonly producer: ProducerState | null;
}

/** One of the streams of a session. */
export interface ListedStream {
  readonly messageId: string;
  readonly info: StreamInfo;
}

/** How many streams of a session are listed at most. */
export const maxListedStreams = 1000;

/**
 * Where streams are kept. This interface is the contract of a backend; the contract suite under
 * `test/contract` holds every backend to it.
 *
 * A stream is an append-only log. It begins to exist with its first event and expires, as a whole,
 * its time to live after its last event. Offsets are indexes: 0 before the first event, n after the
 * n-th.
 *
 * A heartbeat is an append, also one of which all events were skipped, or `renewLease`. While the
 * stream is open, each heartbeat renews its expiry too: from then on it lives for its time to live,
 * and with a lease for at least `leasedForMs`, so that it does not expire under a living worker. A
 * heartbeat never shortens that, and lengthens it to `maxAgeMs` after the stream began at most. A
 * list of another program that has no expiry gets one by an append only.
 *
 * Backends do their own I/O and throw `ServiceError` only: `backend_unavailable` when the store
 * does not answer within about two seconds, with `stored: 0` when the append certainly was not
 * done and `stored: null` when it may have been.
 */
export interface StreamManager {
  /**
   * Whether `watch` loses no notification: by the time that a call would see a change, every watcher
   * has been called since. Then nobody needs to poll.
   */
  readonly notifiesReliably: boolean;

  /**
   * Appends 1 to `maxBatchEvents` events at the end, all of them or none, in one atomic step that
   * also renews the time to live. Appends to one stream are ordered as they take effect; after the
   * returned promise resolves, every `getEvents` on every node sees the events, and watchers of
   * the stream are notified.
   *
   * The bytes of the events may lie in the memory of something larger, such as a request's body: a
   * backend that keeps them copies them.
   *
   * With a producer, in this order and in the same step: an older epoch is fenced; events whose
   * sequence numbers are behind it are skipped; a gap is rejected; then what is left is appended
   * under the rules below. When nothing is left, that is no error, also after the end. An error
   * counts the skipped events as `stored`.
   *
   * A store over its limits still accepts the end of an existing stream: a batch that is one
   * terminal event of up to `exemptTerminalBytes`, and no larger than its stream or
   * `smallTerminalBytes`. It accepts heartbeats too.
   *
   * With a lease, a heartbeat must follow within the lease, again and again until the end. Else the
   * lease expires and the backend itself appends `error` with `done: true` and `data.code`
   * `producer_lost`: once, however many nodes there are, about `leaseCheckMs` and `overtakenMs` late
   * at most; after a break in which the store could not be reached, not before one full lease has
   * passed.
   *
   * @throws ServiceError `producer_fenced`, `producer_gap`, `too_many_producers`; `stream_ended`
   *   after a terminal event (a `session_title` is still accepted for `titleGraceMs`), `stream_full`
   *   over the limits of one stream, `session_full` when its session
   *   has no room for a new one, `store_full` over the limits of the store. Nothing is stored then,
   *   and nothing else is evicted to make room.
   */
  appendEvents(
    stream: StreamId,
    events: readonly StoredEvent[],
    options?: AppendOptions,
  ): Promise<Appended>;

  /**
   * Renews the lease of an open stream, or gives it one; on a stream that has ended it has no
   * effect. Returns the status; null when there is no stream.
   *
   * @throws ServiceError `producer_fenced`
   */
  renewLease(stream: StreamId, renewal: LeaseRenewal): Promise<StreamInfo | null>;

  /**
   * Reads at most `limit` (1 to `maxBatchEvents`) events from `fromOffset` (≥ 0) on, as one
   * consistent view. Fewer may come although more are stored, since a page is also bounded in
   * bytes (`maxPageBytes`); at least one comes when there is one. An unknown stream and an offset at or past the
   * end give an empty page, no error.
   */
  getEvents(stream: StreamId, fromOffset: number, limit: number): Promise<EventPage>;

  /** What is known of the stream, and of one of its producers; null when there is no stream. */
  getStatus(stream: StreamId, producerId?: string): Promise<StreamInfo | null>;

  /** The streams of a session, newest first, at most `maxListedStreams`. */
  listStreams(sessionId: string): Promise<readonly ListedStream[]>;

  /**
   * The `messageId` of the newest open stream of a session, of those that `listStreams` lists; null
   * when none is open. It asks for no more of them than it takes to know.
   */
  findOpenStream(sessionId: string): Promise<string | null>;

  /**
   * Deletes a stream at once. For `tombstoneMs` appends to it are rejected with `stream_ended` and
   * the status `deleted`, since a worker that does not know may still be writing; but a known
   * producer with a higher epoch begins it anew. A stream that does not exist is no error.
   */
  deleteStream(stream: StreamId): Promise<void>;

  /** Whether the stream does not exist because it was deleted within `tombstoneMs`. */
  wasDeleted(stream: StreamId): Promise<boolean>;

  /**
   * Calls `onChange` soon after each change of the stream, on whichever node it was made. A
   * notification is a hint: it may be merged with others, late, repeated or, unless
   * `notifiesReliably`, lost, and says nothing of what changed, so that a watcher reads again on
   * each and polls besides. What `onChange` throws is logged and has no other effect. The stream
   * need not exist.
   *
   * @returns a function that ends the watch; calling it again does nothing.
   */
  watch(stream: StreamId, onChange: () => void): () => void;

  /** Resolves when the store can serve, within about two seconds; else throws. */
  ping(): Promise<void>;

  /** Releases connections, timers and watches. Only another `close` may follow. */
  close(): Promise<void>;
}

/** What a connection to a store is for. */
export type ConnectionUse = 'commands' | 'notifications';

/** An ability of stores that are reached over connections. */
export interface ConnectedStore {
  /** Whether each connection stands, as far as is known without asking. */
  readonly connections: Readonly<Record<ConnectionUse, boolean>>;
}

export function isConnectedStore(
  streams: StreamManager,
): streams is StreamManager & ConnectedStore {
  return 'connections' in streams;
}

/** An ability of stores that end a stream whose lease has expired. */
export interface LeasingStore {
  /** How many leases this process has expired since it started. */
  readonly expiredLeases: number;
}

export function isLeasingStore(streams: StreamManager): streams is StreamManager & LeasingStore {
  return 'expiredLeases' in streams;
}
