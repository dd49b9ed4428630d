export interface Sample {
  /** Since the beginning of the soak, in hours. */
  readonly hours: number;
  readonly value: number;
}

/** By how much the values go up an hour, by least squares; 0 of fewer than two samples. */
export function slopePerHour(samples: readonly Sample[]): number {
  const meanHours = mean(samples.map(({ hours }) => hours));
  const meanValue = mean(samples.map(({ value }) => value));
  let above = 0;
  let below = 0;
  for (const { hours, value } of samples) {
    above += (hours - meanHours) * (value - meanValue);
    below += (hours - meanHours) ** 2;
  }
  return below === 0 ? 0 : above / below;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
