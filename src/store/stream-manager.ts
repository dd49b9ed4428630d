import type { StoredBytes, StoredEvent } from '../events/event.js';
import type { StoredInput } from '../events/parse-inputs.js';
import type { Position } from '../events/position.js';
import type { ProducerStamp, ProducerState, StreamLimits, StreamStatus } from './append-rules.js';

/** Names one stream: the event log of one message of one session. */
export interface StreamId {
  readonly sessionId: string;
  readonly messageId: string;
}

/** Names one of the two logs of a stream: that of its events, or the smaller one of its inputs. */
export interface LogId extends StreamId {
  /** Absent for the events. */
  readonly log?: 'inputs';
}

/** The pattern of session and message ids. No `:`, which separates the parts of a Redis key. */
export const idPattern = /^[A-Za-z0-9_-][A-Za-z0-9._~-]{0,127}$/;

/** One string per stream, unique because ids hold no `:`. For map keys and Redis keys. */
export function streamKey({ sessionId, messageId }: StreamId): string {
  return `${sessionId}:${messageId}`;
}

/** One string per log: of the events, that of their stream. */
export function logKey(id: LogId): string {
  return id.log === undefined ? streamKey(id) : inputsKeyOf(streamKey(id));
}

/** The `logKey` of the inputs of a stream, from its `streamKey`. */
export function inputsKeyOf(key: string): string {
  return `${key}::inputs`;
}

/** A page ends before the event that would take it over this, unless that is its only one. */
export const maxPageBytes = 256 * 1024;

/** The options of every store. */
export interface StoreOptions {
  /** A stream without its own time to live expires this long after its last append. */
  readonly ttlMs: number;
  /** How long after its creation heartbeats keep a stream from expiring. */
  readonly maxAgeMs: number;
  readonly limits: StreamLimits;
}

/** The records that were stored by a call. */
export interface StoredRange {
  /** The offset of the first record stored: its index in the log. */
  readonly offset: number;
  /** The offset after the last record stored now; the end of the log when none was. */
  readonly nextOffset: number;
  /** Number of records stored now: fewer than were given when the others had been stored before. */
  readonly count: number;
}

/** The result of an append. */
export interface Appended extends StoredRange {
  /** The offset after the last input of the stream. */
  readonly inputsNextOffset: number;
}

export interface AppendOptions {
  /** Makes the append idempotent. */
  readonly producer?: ProducerStamp | undefined;
  /** Milliseconds within which the next heartbeat, or the end of the stream, must follow. */
  readonly leaseMs?: number | undefined;
  /** The time to live of the stream in milliseconds, if this append creates it; else ignored. */
  readonly ttlMs?: number | undefined;
  /** The inputs before this offset have been taken in by the worker. */
  readonly inputsAckOffset?: number | undefined;
}

/** A heartbeat without an event. */
export interface LeaseRenewal {
  /** The length of the lease from now on; without it, a lease that there is keeps its length. */
  readonly leaseMs?: number | undefined;
  /** The worker that sends the heartbeat: one that another has taken over from cannot renew the lease. */
  readonly producer?: Pick<ProducerStamp, 'id' | 'epoch'> | undefined;
  /** The inputs before this offset have been taken in by the worker. */
  readonly inputsAckOffset?: number | undefined;
}

/** A bounded part of a stream, in stored order. */
export interface EventPage {
  readonly events: readonly StoredEvent[];
  /** `fromOffset + events.length`, also when there are none. */
  readonly nextOffset: number;
  /**
   * The event just before `fromOffset`, read in the same view as `events`. Undefined when `fromOffset`
   * is 0 or past the end of the stream. Callers that resume compare it with the event they saw.
   */
  readonly before: StoredBytes | undefined;
  /** True when nothing was stored after `events` at the time of the read. */
  readonly atEnd: boolean;
}

/** A position that was the end of a log when it was read last. */
export interface StreamEnd {
  readonly stream: LogId;
  readonly end: Position;
}

/** How far the inputs of a stream go, and how far its worker has taken them in. */
export interface InputProgress {
  /** The offset after the last input. */
  readonly nextOffset: number;
  /** The inputs before this offset have been acknowledged. */
  readonly ackOffset: number;
}

/**
 * The status of a stream, as one of its logs has it. Times are milliseconds since 1970 by the clock of the
 * store.
 */
export interface StreamInfo {
  /** The offset after the last event; of the log of inputs, after the last input. */
  readonly nextOffset: number;
  /** Null in a log of inputs that has none. */
  readonly lastEvent: StoredEvent | null;
  readonly status: StreamStatus;
  /** Milliseconds since the stream ended; null while it is open. */
  readonly endedForMs: number | null;
  /**
   * The offset after the terminal event, or after the titles that came with it; null while the stream
   * is open. Of later elements, readers get titles only: another program may push anything. In the log of
   * inputs, the offset after the last one, as none is stored after the end.
   */
  readonly endedOffset: number | null;
  /** When this service first saw the stream: for its own streams, the time of the first append. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Null when another program stored the stream without a time to live. */
  readonly expiresAt: number | null;
  /** How long the stream is kept after its last event: its own time to live, or that of the store. */
  readonly ttlMs: number;
  /** The progress of the producer in question; null when it is unknown or none was given. */
  readonly producer: ProducerState | null;
  readonly inputs: InputProgress;
}

/** The status of a stream as its log of inputs has it. @param lastInput null when there is none */
export function infoOfInputs(info: StreamInfo, lastInput: StoredEvent | null): StreamInfo {
  const { nextOffset } = info.inputs;
  const endedOffset = info.status === 'open' ? null : nextOffset;
  return { ...info, nextOffset, lastEvent: lastInput, endedOffset };
}

/** One of the streams of a session. */
export interface ListedStream {
  readonly messageId: string;
  readonly info: StreamInfo;
}

/** Max number of streams in the list of a session. */
export const maxListedStreams = 1000;

/**
 * The store of streams. This interface is the contract of a backend; the contract suite under
 * `test/contract` holds every backend to it.
 *
 * A stream is an append-only log. It begins to exist with its first event and expires, as a whole,
 * its time to live after its last event. Offsets are indexes: 0 before the first event, n after the
 * n-th.
 *
 * A heartbeat is an append, even one whose events were all skipped, or `renewLease`. While the stream is
 * open, each heartbeat renews its expiry too: it then lives for its time to live, and with a lease for
 * at least `leasedForMs`, so that it does not expire under a living worker. A heartbeat never shortens
 * the life of a stream, and extends it to at most `maxAgeMs` after its creation. A list that another
 * program created without an expiry gets one by an append only.
 *
 * Backends do their own I/O and throw `ServiceError` only: `backend_unavailable` when the store
 * does not reply within about two seconds, with `stored: 0` when the append certainly was not
 * executed and `stored: null` when it may have been.
 */
export interface StreamManager {
  /**
   * Whether `watch` never loses a notification: before any call can see a change, every watcher has
   * been called for it. Then nobody needs to poll.
   */
  readonly notifiesReliably: boolean;

  /**
   * Appends 1 to `maxBatchEvents` events at the end, all of them or none, in one atomic step that
   * also renews the time to live. Appends to one stream are ordered as they take effect; after the
   * returned promise resolves, every `getEvents` on every node sees the events, and watchers of
   * the stream are notified.
   *
   * The bytes of the events may be a view of something larger, such as the body of a request, so a
   * backend that keeps them copies them.
   *
   * With a producer, in this order and in the same step: an older epoch is fenced; events whose
   * sequence numbers were stored before are skipped; a gap is rejected; then the rest is appended
   * under the rules below. An empty rest is no error, even after the end. An error counts the skipped
   * events as `stored`.
   *
   * A store over its limits still accepts the end of an existing stream: a batch that is one
   * terminal event of up to `exemptTerminalBytes`, and no larger than its stream or
   * `smallTerminalBytes`. It accepts heartbeats too.
   *
   * With a lease, each heartbeat must follow the last one within the lease, until the end. Otherwise the
   * lease expires and the backend itself appends `error` with `done: true` and `data.code`
   * `producer_lost`: once, however many nodes there are, and at most about `leaseCheckMs` plus
   * `overtakenMs` late; after a break in which the store was unreachable, not before one full lease
   * has passed.
   *
   * With an `inputsAckOffset`, the acknowledged offset of the inputs rises to it in the same step, never
   * falls, and is rejected beyond the last input. A terminal event is then rejected while inputs lie beyond
   * the acknowledged offset. A fenced append acknowledges nothing; one that was stored before does.
   *
   * @throws ServiceError `producer_fenced`, `producer_gap`, `too_many_producers`; `inputs_gap`,
   *   `inputs_unread`; `stream_ended`
   *   after a terminal event (a `session_title` is still accepted for `titleGraceMs`), `stream_full`
   *   over the limits of one stream, `session_full` over the limit of streams in its session, `store_full` over the limits of the store. Nothing is stored then,
   *   and nothing else is evicted to make room.
   */
  appendEvents(
    stream: StreamId,
    events: readonly StoredEvent[],
    options?: AppendOptions,
  ): Promise<Appended>;

  /**
   * Renews the lease of an open stream, or gives it one, and acknowledges inputs as an append does; on a
   * stream that has ended it has no effect. Returns the status; null when there is no stream.
   *
   * @throws ServiceError `producer_fenced`, `inputs_gap`
   */
  renewLease(stream: StreamId, renewal: LeaseRenewal): Promise<StreamInfo | null>;

  /**
   * Appends 1 to `maxBatchInputs` inputs with different ids to the inputs of an open stream, all of them or
   * none, in one atomic step: on every node, an input that was stored precedes the end of the stream. Inputs
   * whose ids are stored are skipped, also after the end. Watchers of the inputs are notified. An input is no
   * heartbeat. The bytes may be a view, as those of `appendEvents`.
   *
   * @returns null when there is no stream
   * @throws ServiceError `input_conflict` when another input has the id; `stream_ended`, also with a
   *   tombstone, `inputs_full`, `store_full`. Nothing is stored then; the error counts the skipped inputs.
   */
  appendInputs(stream: StreamId, inputs: readonly StoredInput[]): Promise<StoredRange | null>;

  /**
   * Reads at most `limit` (1 to `maxBatchEvents`) events from `fromOffset` (≥ 0) on, as one
   * consistent view. A page is also bounded in bytes (`maxPageBytes`), so it may have fewer although
   * more are stored, but at least one if there is one. An unknown stream and an offset at or past the
   * end give an empty page, no error. Inputs have no ending, whatever their type.
   */
  getEvents(log: LogId, fromOffset: number, limit: number): Promise<EventPage>;

  /**
   * Which of many streams may end elsewhere by now: a poll of all of them at once, since most have not changed.
   * Another stream of the same length may be found by one of the next ten calls only. A log of inputs has
   * moved when its stream has ended, too.
   *
   * @returns the indexes of those that have more events, do not exist any more, or are another stream, and of
   *   those that could not be checked: their followers read them
   */
  findMoved(ends: readonly StreamEnd[]): Promise<readonly number[]>;

  /** The status of the stream as one of its logs has it, and of one of its producers; null when there is no stream. */
  getStatus(log: LogId, producerId?: string): Promise<StreamInfo | null>;

  /** The streams of a session, newest first, at most `maxListedStreams`. */
  listStreams(sessionId: string): Promise<readonly ListedStream[]>;

  /**
   * The `messageId` of the newest open stream of a session, among those that `listStreams` lists; null
   * when none is open. It reads no more of their statuses than it needs.
   */
  findOpenStream(sessionId: string): Promise<string | null>;

  /**
   * Deletes a stream at once. For `tombstoneMs` appends to it are rejected with `stream_ended` and
   * the status `deleted`, as a worker that is not aware of it may still be writing; but a known
   * producer with a higher epoch creates it again. A stream that does not exist is no error.
   */
  deleteStream(stream: StreamId): Promise<void>;

  /** Whether the stream does not exist because it was deleted within `tombstoneMs`. */
  wasDeleted(stream: StreamId): Promise<boolean>;

  /**
   * Calls `onChange` soon after each change of the log, and of inputs after the end of the stream, whichever
   * node made it. A notification is a
   * hint: it may be merged with others, late, repeated or, unless `notifiesReliably`, lost, and does
   * not say what changed. So a watcher reads again on each one, and polls as well. An error that
   * `onChange` throws is logged and has no other effect. The stream need not exist.
   *
   * @returns a function that ends the watch; calling it again does nothing.
   */
  watch(log: LogId, onChange: () => void): () => void;

  /** Resolves within about two seconds if the store can serve; else rejects. */
  ping(): Promise<void>;

  /** Releases connections, timers and watches. Only another `close` may follow. */
  close(): Promise<void>;
}

/** The purpose of a connection to a store. */
export type ConnectionUse = 'commands' | 'notifications';

/** An ability of stores that are reached over connections. */
export interface ConnectedStore {
  /** Whether each connection is up, as far as is known without a request. */
  readonly connections: Readonly<Record<ConnectionUse, boolean>>;
}

export function isConnectedStore(
  streams: StreamManager,
): streams is StreamManager & ConnectedStore {
  return 'connections' in streams;
}

/** An ability of stores that end a stream whose lease has expired. */
export interface LeasingStore {
  /** Number of expired leases for which this process has ended the stream. */
  readonly expiredLeases: number;
}

export function isLeasingStore(streams: StreamManager): streams is StreamManager & LeasingStore {
  return 'expiredLeases' in streams;
}
