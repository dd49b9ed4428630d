/** Times are milliseconds of `performance.now()` of the process that notes them. */

/** What a producer notes of one body that it sent. */
export interface Attempt {
  /** The numbers of its events: `count` of them, from this one on. */
  readonly from: number;
  readonly count: number;
  /** Of these, that many, from the first, are stored for certain. What became of the rest: */
  readonly stored: number;
  readonly rest: 'rejected' | 'unknown';
  /** Of the problem in the response; null when it was stored, or got no response. */
  readonly code: string | null;
  readonly sentAt: number;
  /** When the response came, or the connection broke. */
  readonly completedAt: number;
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
  /** The response after which EventSource never comes back. */
  readonly closedForGood: string | null;
}

/** What a sender notes of one request with inputs. */
export interface InputAttempt {
  /** The numbers of its inputs: `count` of them, from this one on. */
  readonly from: number;
  readonly count: number;
  readonly outcome: 'stored' | 'rejected' | 'unknown';
  /** Of the problem in the response; null when it was stored, or got no response. */
  readonly code: string | null;
  readonly sentAt: number;
  readonly completedAt: number;
}

/** The inputs that one worker read, from an offset on. */
export interface IntakeLog {
  readonly fromOffset: number;
  readonly frames: readonly Frame[];
}

/** What a status said at one moment: how many events were stored, and how many inputs acknowledged. */
export interface InputProgress {
  readonly events: number;
  readonly acknowledged: number;
}

/** All that was noted of the inputs of a stream, and what is stored of them at the end. */
export interface InputsLog {
  readonly attempts: readonly InputAttempt[];
  readonly intakes: readonly IntakeLog[];
  readonly progress: readonly InputProgress[];
  readonly stored: readonly string[];
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
  /** Null of a stream to which no inputs are sent. */
  readonly inputs: InputsLog | null;
  /** When the producer's lease runs out, if it died. */
  readonly leaseEndsAt: number | null;
  /** How long the lease is that it took with each body; Infinity without. */
  readonly leaseMs: number;
}
