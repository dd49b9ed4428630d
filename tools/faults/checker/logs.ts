/** Times are milliseconds of `performance.now()` of the process that notes them. */

/** What a producer notes of one body that it sent. */
export interface Attempt {
  /** The numbers of its events: `count` of them, from this one on. */
  readonly from: number;
  readonly count: number;
  /** Of these, the first so many are stored for certain. What became of the rest: */
  readonly stored: number;
  readonly rest: 'refused' | 'unknown';
  /** Of the problem that it was answered with; null when it was stored, or got no answer. */
  readonly code: string | null;
  readonly sentAt: number;
  /** When the answer came, or the connection broke. */
  readonly settledAt: number;
}

export interface Frame {
  readonly id: string;
  readonly event: string;
  readonly data: string;
  readonly at: number;
}

/** What one client of a stream saw, over all its connections. */
export interface ReaderLog {
  readonly frames: Frame[];
  readonly connections: number;
  /** Whether it was told, by 204, that it has all. */
  readonly isFinished: boolean;
  /** The answer after which EventSource never comes back. */
  readonly closedForGood: string | null;
}

/** All that was noted of a stream, and what is stored of it at the end. */
export interface StreamLog {
  readonly name: string;
  /** Whether its producer sends sequence numbers, and each body until it is stored. */
  readonly isExactlyOnce: boolean;
  readonly attempts: readonly Attempt[];
  readonly readers: readonly ReaderLog[];
  /** The elements of the list. */
  readonly stored: readonly string[];
  /** When the producer's lease runs out, if it died. */
  readonly leaseEndsAt: number | null;
  /** How long the lease is that it took with each body; Infinity without. */
  readonly leaseMs: number;
}
