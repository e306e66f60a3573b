/** A measure over the rounds of a run: its median, and how far the rounds lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Of the rounds. */
  readonly count: number;
  /**
   * Between these two the median of endlessly many rounds lies with 95 % certainty, however the rounds are distributed;
   * of less than six rounds smallest and largest, which say less.
   */
  readonly low: number;
  readonly high: number;
}

/** The smallest value that `share` of the values do not exceed (nearest rank); 0 of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).toSorted();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** Undefined of no values. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((one, other) => one - other);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
  const outside = outsideOf(sorted.length);
  return {
    median: (lower + upper) / 2,
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    count: sorted.length,
    low: sorted[outside] ?? 0,
    high: sorted.at(-1 - outside) ?? 0,
  };
}

/**
 * How many of the smallest values, and of the largest, an interval of the median can leave out: a value is below the median
 * as often as a coin shows heads.
 */
function outsideOf(count: number): number {
  let probability = 2 ** -count;
  let below = probability;
  let outside = 0;
  while (below <= 0.025) {
    outside += 1;
    probability *= (count - outside + 1) / outside;
    below += probability;
  }
  return Math.max(0, outside - 1);
}
