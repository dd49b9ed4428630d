import { ServiceError } from '../errors.js';
import { type Ending, mayFollowEnd } from '../events/event.js';
import type { StoredEvent } from '../events/stored-event.js';

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

function followsEnd(index: number, ending: Ending): ServiceError {
  return new ServiceError('stream_ended', `event ${index} of the batch follows a terminal event`, {
    stored: 0,
    streamStatus: ending,
  });
}

/** Rejects an append to a stream that has ended. */
export function streamEnded(streamStatus: string): ServiceError {
  return new ServiceError(
    'stream_ended',
    `a finished stream rejects further events (${streamStatus})`,
    { stored: 0, streamStatus },
  );
}

/** Rejects an append over the limits of one stream. */
export function streamFull({ maxStreamEvents, maxStreamBytes }: StreamLimits): ServiceError {
  return new ServiceError(
    'stream_full',
    `the stream may have at most ${maxStreamEvents} events and ${maxStreamBytes} bytes; only its end may still be appended`,
    { stored: 0 },
  );
}

/** Rejects the first append of a stream over the limit of its session. */
export function sessionFull({ maxSessionStreams }: StreamLimits): ServiceError {
  const message = `the session may have at most ${maxSessionStreams} streams; existing streams are not affected`;
  return new ServiceError('session_full', message, { stored: 0 });
}

/** The limits of one stream, and of the streams of one session. */
export interface StreamLimits {
  readonly maxStreamEvents: number;
  readonly maxStreamBytes: number;
  readonly maxSessionStreams: number;
}
