const MINUTE_MS = 60_000;

/**
 * What may be used in a minute, filled up steadily. What a call uses is known only after it, so a call is admitted while
 * anything is left, and the bucket may owe what the call used beyond: then it has to be filled to above zero first.
 * However large single calls are, no more than the limit is used in the long run, which a window of a minute that forgets
 * them would not hold.
 */
export interface MinuteBucket {
  /** What is left; below zero what is owed. */
  left(now: number): number;
  /** First whole number of seconds after which something is left; 0 when something is. */
  waitSeconds(now: number): number;
  /** Takes what was used. @param at when it was, which may be before now */
  take(amount: number, at: number): void;
  /** As good as a new one. */
  isFull(now: number): boolean;
}

/** A full bucket. Times are milliseconds of a clock that never goes back; a bucket is the time at which it will be full. */
export function createMinuteBucket(limit: number): MinuteBucket {
  const msPerUnit = MINUTE_MS / limit;
  let fullAt = Number.NEGATIVE_INFINITY;
  return {
    left: (now) => Math.floor(limit - Math.max(0, fullAt - now) / msPerUnit),
    waitSeconds(now) {
      const waitMs = fullAt - now - MINUTE_MS;
      return waitMs >= 0 ? Math.floor(waitMs / 1000) + 1 : 0;
    },
    take(amount, at) {
      if (amount > 0) fullAt = Math.max(at, fullAt) + amount * msPerUnit;
    },
    isFull: (now) => fullAt <= now,
  };
}
