import { type ErrorCode, type ErrorDetails, ServiceError } from '../errors.js';
import { type Ending, mayFollowEnd, type StoredEvent } from '../events/event.js';

export type StreamStatus = 'open' | Ending;

/** How long after its end a stream still accepts `session_title` events. */
export const titleGraceMs = 60_000;

/** How long after its deletion a stream cannot be created again. */
export const tombstoneMs = 60_000;

/** Terminal events up to this size are exempt from the limits of their stream, so that a full one can end. */
export const exemptTerminalBytes = 16 * 1024;

/**
 * Terminal events up to this size, or up to the size of their stream, are exempt from the limits of the
 * store, which therefore at most doubles.
 */
export const smallTerminalBytes = 1024;

/** The properties of a batch that a backend needs before it stores it. */
export interface AppendPlan {
  /** The error that rejects the batch: `stream_ended` when an event in it follows a terminal one. */
  readonly rejection: ServiceError | null;
  /** The ending of the stream by the batch, if any. */
  readonly ending: Ending | null;
  /** Whether all events of the batch may follow the end of the stream. */
  readonly mayFollowEnd: boolean;
  /** Number of the events that count against the limits of the stream. */
  readonly countedEvents: number;
  /** Bytes of the events that count against the limits of the stream. */
  readonly countedBytes: number;
  /** Bytes of all events of the batch. */
  readonly totalBytes: number;
}

/**
 * Whether the batch is exempt from the limits of the store, as it only ends its stream.
 *
 * @param streamBytes size of the stream as stored
 */
export function passesStore(plan: AppendPlan, streamBytes: number): boolean {
  return onlyEnds(plan) && plan.totalBytes <= Math.max(smallTerminalBytes, streamBytes);
}

/** Whether the batch only ends its stream, which happens once. */
export function onlyEnds({ ending, countedEvents }: AppendPlan): boolean {
  return ending !== null && countedEvents === 0;
}

export function planAppend(events: readonly StoredEvent[]): AppendPlan {
  let rejection: ServiceError | null = null;
  let ending: Ending | null = null;
  let allLate = true;
  let countedEvents = 0;
  let countedBytes = 0;
  let totalBytes = 0;
  for (const [index, event] of events.entries()) {
    const late = mayFollowEnd(event);
    if (ending !== null && !late) rejection ??= followsEnd(index, ending);
    ending ??= event.ending;
    allLate &&= late;
    totalBytes += event.bytes.length;
    if (event.ending !== null && event.bytes.length <= exemptTerminalBytes) continue;
    countedEvents += 1;
    countedBytes += event.bytes.length;
  }
  return { rejection, ending, mayFollowEnd: allLate, countedEvents, countedBytes, totalBytes };
}

function followsEnd(index: number, streamStatus: Ending): ServiceError {
  return reject('stream_ended', `event ${index} of the batch follows a terminal event`, {
    streamStatus,
  });
}

/** Rejects an append of events or inputs to a stream that has ended. */
export function streamEnded(
  streamStatus: string,
  what: 'events' | 'inputs' = 'events',
): ServiceError {
  const message = `a finished stream rejects further ${what} (${streamStatus})`;
  return reject('stream_ended', message, { streamStatus });
}

/** Rejects an append over the limits of one stream. */
export function streamFull({ maxStreamEvents, maxStreamBytes }: StreamLimits): ServiceError {
  return reject(
    'stream_full',
    `the stream may have at most ${maxStreamEvents} events and ${maxStreamBytes} bytes; only its end may still be appended`,
  );
}

/** Rejects the first append of a stream over the limit of its session. */
export function sessionFull({ maxSessionStreams }: StreamLimits): ServiceError {
  const message = `the session may have at most ${maxSessionStreams} streams; existing streams are not affected`;
  return reject('session_full', message);
}

/** The error for an append of which nothing is stored. */
function reject(code: ErrorCode, message: string, details: ErrorDetails = {}): ServiceError {
  return new ServiceError(code, message, { stored: 0, ...details });
}

/** The limits of one stream, of its inputs, and of the streams of one session. */
export interface StreamLimits {
  readonly maxStreamEvents: number;
  readonly maxStreamBytes: number;
  readonly maxSessionStreams: number;
  /** All inputs of a stream count, acknowledged or not. */
  readonly maxStreamInputs: number;
  readonly maxStreamInputBytes: number;
}

/** Makes the append of a batch idempotent: a retry cannot store it twice. */
export interface ProducerStamp {
  /** The id of the producer within its stream; workers that take over from one another share it. */
  readonly id: string;
  /** Raised by each worker that takes over, which fences the one before. */
  readonly epoch: number;
  /** The sequence number of the first event of the batch; each event takes the next. */
  readonly seq: number;
}

/** The progress of a producer in a stream. */
export interface ProducerState {
  readonly epoch: number;
  /** The sequence number that is expected next. */
  readonly nextSeq: number;
}

/** Max number of producers of one stream. */
export const maxProducers = 64;

/** The sequence number that comes next from this producer: 0 from an unknown one or a new epoch. */
export function expectedSeq(known: ProducerState | undefined, epoch: number): number {
  return known !== undefined && known.epoch === epoch ? known.nextSeq : 0;
}

/** @throws ServiceError `producer_fenced` when a worker with a higher epoch has taken over */
export function rejectFenced(known: ProducerState | undefined, epoch: number): void {
  if (known !== undefined && epoch < known.epoch) throw producerFenced(known.epoch);
}

export function producerFenced(epoch: number): ServiceError {
  return reject('producer_fenced', `a worker with epoch ${epoch} has taken over this producer`);
}

export function producerGap(expectedSeq: number): ServiceError {
  const message = `the next sequence number of this producer is ${expectedSeq}`;
  return reject('producer_gap', message, { expectedSeq });
}

export function tooManyProducers(): ServiceError {
  return reject('too_many_producers', `a stream may have at most ${maxProducers} producers`);
}
