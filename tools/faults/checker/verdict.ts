/** What must hold after every fault. */
export const invariants = {
  I1: 'no acknowledged event is lost',
  I2: 'nothing is stored or delivered twice',
  I3: 'readers see the stored order',
  I4: 'what is stored was acknowledged, or its fate was unknown',
  I5: 'ids go up by one, and match what is stored',
  I6: 'all readers of a stream see the same, and all of it',
  I7: 'no event of another stream',
  I8: 'every byte is as it was sent',
  I9: 'a stream whose lease expires ends in time, and once',
  I10: 'every request has its response within its limit',
  I11: 'afterwards all is as before',
  I12: 'loss is never silent',
  I13: 'no input is stored after the end of its stream',
  I14: 'workers that follow one another read each input once and in order, and say so in their events',
  I15: 'the acknowledged offset says what the events say',
} as const;

export type Invariant = keyof typeof invariants;

/** That an invariant does not hold. */
export interface Breach {
  readonly invariant: Invariant;
  readonly text: string;
}

/** What the log of a stream came to. */
export interface Verdict {
  readonly breaches: readonly Breach[];
  /** What came, but later than the rules allow. */
  readonly late: readonly Breach[];
  readonly lostEvents: number;
  readonly repeatedEvents: number;
}

/** What is asked of a stream beyond what always holds. */
export interface Rules {
  /** Whether acknowledged events may be lost, as long as readers are told. */
  readonly mayLose: boolean;
  /** How long a request may take. */
  readonly responseLimitMs: number;
  /** How long after its lease a stream may end. */
  readonly lateEndMs: number;
}

export const strictRules: Rules = { mayLose: false, responseLimitMs: 3000, lateEndMs: 5000 };
