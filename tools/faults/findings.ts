/** What a run, or all runs of a fault, came to. */
export interface Findings {
  /** Requests with a 2xx response, and the events in them. */
  readonly acknowledgedAppends: number;
  readonly acknowledgedEvents: number;
  /** Inputs that were acknowledged. */
  readonly acknowledgedInputs: number;
  /** Events that were acknowledged and are not stored. */
  readonly lostEvents: number;
  /** Events that are stored twice, or that came twice to a reader that was not reset. */
  readonly repeatedEvents: number;
  /** Appends that failed, by whether it is known that nothing was stored. */
  readonly rejectedAppends: number;
  readonly unknownAppends: number;
  /** How often readers were told that their stream is not the one they saw. */
  readonly resets: number;
  /** The worst of each measure, by a name that ends with its unit: `slowest response, ms`. */
  readonly worst: Readonly<Record<string, number>>;
  /** What broke an invariant; empty when all held, on a machine however busy. */
  readonly breaches: readonly string[];
  /** What took longer than promised, which on a busy machine says nothing: `--full` judges it. */
  readonly late: readonly string[];
}

export const nothingFound: Findings = {
  acknowledgedAppends: 0,
  acknowledgedEvents: 0,
  acknowledgedInputs: 0,
  lostEvents: 0,
  repeatedEvents: 0,
  rejectedAppends: 0,
  unknownAppends: 0,
  resets: 0,
  worst: {},
  breaches: [],
  late: [],
};

/** Counts are added, measures are the worst of both. */
export function together(some: Findings, others: Findings): Findings {
  return {
    acknowledgedAppends: some.acknowledgedAppends + others.acknowledgedAppends,
    acknowledgedEvents: some.acknowledgedEvents + others.acknowledgedEvents,
    acknowledgedInputs: some.acknowledgedInputs + others.acknowledgedInputs,
    lostEvents: some.lostEvents + others.lostEvents,
    repeatedEvents: some.repeatedEvents + others.repeatedEvents,
    rejectedAppends: some.rejectedAppends + others.rejectedAppends,
    unknownAppends: some.unknownAppends + others.unknownAppends,
    resets: some.resets + others.resets,
    worst: worstOf(some.worst, others.worst),
    breaches: [...some.breaches, ...others.breaches],
    late: [...some.late, ...others.late],
  };
}

/**
 * Whether what passes the limit of this measure is merely late: it is a time, and has come to an end.
 * What never came breaks an invariant.
 */
export function isLate(name: string, measured: number): boolean {
  return name.endsWith(', ms') && Number.isFinite(measured);
}

function worstOf(some: Findings['worst'], others: Findings['worst']): Findings['worst'] {
  const worst: Record<string, number> = { ...some };
  for (const [name, value] of Object.entries(others)) {
    worst[name] = Math.max(worst[name] ?? value, value);
  }
  return worst;
}
