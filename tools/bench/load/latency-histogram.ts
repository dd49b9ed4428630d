/** The width of a bucket: what a percentile is rounded to. */
const bucketUs = 10;

/** 20 seconds; what took longer counts as that. */
const buckets = 2_000_000;

/** Times from sending to receiving. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(buckets);
  #total = 0;

  add(us: number): void {
    const bucket = Math.min(Math.max(Math.floor(us / bucketUs), 0), buckets - 1);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#total += 1;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }

  /** @param share 0.5 is the median. @returns milliseconds; NaN without any time */
  percentileMs(share: number): number {
    const rank = Math.ceil(this.#total * share);
    let seen = 0;
    for (let bucket = 0; bucket < buckets && rank > 0; bucket += 1) {
      seen += this.#counts[bucket] as number;
      if (seen >= rank) return ((bucket + 0.5) * bucketUs) / 1000;
    }
    return Number.NaN;
  }
}
