/** Where a client begins: at the start of the stream, after events that it has, or at the end. */
export const feedStarts = ['start', 'resumed', 'now'] as const;
export type FeedStart = (typeof feedStarts)[number];

/** Why a feed is not opened now, although it may be later. */
export const feedRejections = [
  'draining',
  'too_many_feeds',
  'rate_limited',
  'backend_unavailable',
] as const;
export type FeedRejection = (typeof feedRejections)[number];

/** Why a feed ended: */
export const feedEnds = [
  'ended', // the stream has ended, and the client has all of it
  'absent', // after a reset, no stream came
  'not_started', // no stream came in the time that the client gave it
  'max_age', // the feed was old enough: the client goes on in another one
  'token_expired', // the client may read on when it comes back with another token
  'draining', // the node is shutting down: the client goes on elsewhere
  'reset', // the stream is not the one that the client saw, and its format has no word for that
  'slow', // the socket took nothing for too long, and was cut
  'failed', // its format or its socket threw: the connection was cut, and the log says why
  'left', // the client left, or the connection broke
] as const;

export type FeedEnd = (typeof feedEnds)[number];

/** What became of the stream that a client saw: it is shorter now, or another one; or its id is no id of ours. */
export const resetReasons = ['gone', 'diverged', 'deleted', 'unknown'] as const;
export type ResetReason = (typeof resetReasons)[number];

/** Why a stream is read: after a notification, as it was time, or as one client is not at its end yet. */
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
  rejected(reason: FeedRejection): void;
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
   * Every feed at the end of a stream was written to after a notification.
   *
   * @param lagMs since the notification, or the first of several
   */
  caughtUp(lagMs: number): void;
}

const nothing = () => {};

export const unobserved: FeedObserver = {
  opened: nothing,
  rejected: nothing,
  closed: nothing,
  reset: nothing,
  read: nothing,
  began: nothing,
  delivered: nothing,
  caughtUp: nothing,
};
