/** Where a feed begins: at the start of the stream, after events that the client has, or at the end. */
export const feedStarts = ['start', 'resumed', 'now'] as const;
export type FeedStart = (typeof feedStarts)[number];

/** Why a feed cannot be opened now, although it may be later. */
export const feedRejections = [
  'draining',
  'too_many_feeds',
  'rate_limited',
  'backend_unavailable',
] as const;
export type FeedRejection = (typeof feedRejections)[number];

/** Why a feed ended. */
export const feedEnds = [
  'ended', // the stream has ended, and the client has all of it
  'absent', // no stream was created after a reset
  'not_started', // no stream was created within the timeout of the client
  'max_age', // the feed reached its max age: the client resumes in another one
  'token_expired', // the client may resume with another token
  'draining', // the node is shutting down: the client resumes at another one
  'reset', // the stream is not the one that the client saw, which its format cannot express
  'slow', // the write timeout: the socket took nothing for too long, and was cut
  'failed', // its format or its socket threw: the connection was cut, and the log says why
  'left', // the client left, or the connection broke
] as const;

export type FeedEnd = (typeof feedEnds)[number];

/** Why a client is reset: its stream is shorter now, another one, or deleted; or its id is invalid. */
export const resetReasons = ['gone', 'diverged', 'deleted', 'unknown'] as const;
export type ResetReason = (typeof resetReasons)[number];

/** Why a stream is read, or its end looked at: after a notification, the poll interval, or for a client before its end. */
export const readCauses = ['notification', 'poll', 'catch_up'] as const;
export type ReadCause = (typeof readCauses)[number];

export const readResults = ['events', 'nothing', 'failed'] as const;
export type ReadResult = (typeof readResults)[number];

/**
 * Observes feeds. Its methods return at once and do not throw. None is called for each event and
 * subscriber; `delivered`, called for each write, is the most frequent.
 */
export interface FeedObserver {
  opened(start: FeedStart): void;
  rejected(reason: FeedRejection): void;
  closed(end: FeedEnd): void;
  reset(reason: ResetReason): void;
  /** @param count number of such reads, 1 if omitted */
  read(cause: ReadCause, result: ReadResult, count?: number): void;
  /**
   * The first event was read of a stream that did not exist when a feed was opened.
   *
   * @param waitedMs time since the first of these feeds was opened
   */
  began(waitedMs: number): void;
  /** The contents of one write to one socket. */
  delivered(events: number, bytes: number): void;
  /**
   * Every feed at the end of a stream was written to after a notification.
   *
   * @param lagMs time since the notification, or the first of several
   */
  caughtUp(lagMs: number): void;
}
