import type { FeedEnd } from './feed-end.js';

/** Where a client begins: at the start of the stream, after events that it has, or at the end. */
export const feedStarts = ['start', 'resumed', 'now'] as const;
export type FeedStart = (typeof feedStarts)[number];

/** Why a feed is not opened now, although it may be later. */
export const feedRefusals = [
  'draining',
  'too_many_feeds',
  'rate_limited',
  'backend_unavailable',
] as const;
export type FeedRefusal = (typeof feedRefusals)[number];

/** What became of the stream that a client saw: it is shorter now, or another one; or its id is no id of ours. */
export const resetReasons = ['gone', 'diverged', 'deleted', 'unknown'] as const;
export type ResetReason = (typeof resetReasons)[number];

/** Why a stream is read: it woke its reader, it was time, or one client is not at its end yet. */
export const readCauses = ['wake_up', 'poll', 'catch_up'] as const;
export type ReadCause = (typeof readCauses)[number];

export const readResults = ['events', 'nothing', 'failed'] as const;
export type ReadResult = (typeof readResults)[number];

/**
 * Told of what feeds do. Its methods return at once and do not throw. None is called for each event
 * and subscriber; `delivered`, once for each write, is the most frequent.
 */
export interface FeedObserver {
  opened(start: FeedStart): void;
  refused(reason: FeedRefusal): void;
  closed(end: FeedEnd): void;
  reset(reason: ResetReason): void;
  read(cause: ReadCause, result: ReadResult): void;
  /**
   * The first event was seen of a stream that was not there when a feed was opened.
   *
   * @param waitedMs since the first of such feeds was
   */
  began(waitedMs: number): void;
  /** What one write handed to one socket. */
  delivered(events: number, bytes: number): void;
  /**
   * Every feed at the end of a stream was handed what it was woken for.
   *
   * @param lagMs since the wake-up, or the first of several
   */
  caughtUp(lagMs: number): void;
}

const nothing = () => {};

export const unobserved: FeedObserver = {
  opened: nothing,
  refused: nothing,
  closed: nothing,
  reset: nothing,
  read: nothing,
  began: nothing,
  delivered: nothing,
  caughtUp: nothing,
};
