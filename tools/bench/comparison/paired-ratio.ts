/** By how much slower a build has to be for the comparison to say so. */
const tolerance = 1.05;

/** How sure an interval is at least to hold the true median. */
const confidence = 0.95;

export type Verdict = 'slower' | 'faster' | 'no difference shown' | 'too few rounds';

/** How many times what the other build took this one took: above 1, it was slower. */
export interface PairedRatio {
  /** Of the rounds' ratios. */
  readonly median: number;
  /** Where the true median lies; null with too few rounds to say so. */
  readonly interval: readonly [low: number, high: number] | null;
  readonly verdict: Verdict;
}

/**
 * Judges the ratios of rounds in which both builds were measured one right after the other. The
 * interval is that of the sign test: whatever the distribution, the median of all possible rounds
 * lies between the k-th lowest and the k-th highest of n with a chance that k and n alone decide.
 */
export function judgeRatios(ratios: readonly number[]): PairedRatio {
  const sorted = ratios.filter((ratio) => Number.isFinite(ratio)).sort((a, b) => a - b);
  const interval = intervalOf(sorted);
  return { median: medianOf(sorted), interval, verdict: verdictOn(interval) };
}

/** NaN of nothing. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

function intervalOf(sorted: readonly number[]): [low: number, high: number] | null {
  const left = leftOut(sorted.length);
  if (left === null) return null;
  return [sorted[left] as number, sorted[sorted.length - 1 - left] as number];
}

/**
 * How many of n values may be left out at each end. The median is below the lowest that is left
 * when at most that many of n throws of a coin show heads; null when that is too likely even of none.
 */
function leftOut(n: number): number | null {
  const most = (1 - confidence) / 2;
  let waysOfCount = 1;
  let chance = 0;
  for (let count = 0; count <= n; count += 1) {
    chance += waysOfCount / 2 ** n;
    if (chance > most) return count === 0 ? null : count - 1;
    waysOfCount = (waysOfCount * (n - count)) / (count + 1);
  }
  return null;
}

function verdictOn(interval: PairedRatio['interval']): Verdict {
  if (interval === null) return 'too few rounds';
  const [low, high] = interval;
  if (low > tolerance) return 'slower';
  if (high < 1 / tolerance) return 'faster';
  return 'no difference shown';
}
