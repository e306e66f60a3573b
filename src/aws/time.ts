/** AWS's time. AWS refuses what was signed more than five minutes from it, and this machine's clock may be that far off. */
export interface AwsTime {
  /** Milliseconds since 1970, as AWS counts them as far as is known. */
  now(): number;
  /** From this machine's clock to AWS's, in milliseconds. */
  offsetMs(): number;
  /**
   * Takes the time from an answer that has just come.
   *
   * @param date value of its header `Date`
   * @param roundTripMs from the sending of the request to the answer
   * @returns whether the time is known now; false when the answer does not tell it
   */
  learn(date: string | undefined, roundTripMs: number): boolean;
}

/**
 * Less than this is no news: `Date` has whole seconds, and an answer is made at an unknown moment between the sending and
 * its arrival.
 */
const NOISE_MS = 60_000;

/**
 * AWS's time by this machine's clock, and the difference once an answer has shown that there is one.
 *
 * @param onOffset told of every new difference, in milliseconds; 0 when the clock is right again
 * @param date this machine's clock, in milliseconds since 1970
 */
export function createAwsTime(onOffset: (offsetMs: number) => void, date: () => number = Date.now): AwsTime {
  let offsetMs = 0;
  return {
    now: () => date() + offsetMs,
    offsetMs: () => offsetMs,
    learn(text = '', roundTripMs) {
      const answeredAt = text.endsWith(' GMT') ? Date.parse(text) : Number.NaN;
      if (Number.isNaN(answeredAt)) return false;
      const measuredMs = answeredAt + roundTripMs / 2 - date();
      // One of many calls that were refused together has been here before, or the signature had waited to be sent.
      if (Math.abs(measuredMs - offsetMs) < NOISE_MS) return true;
      offsetMs = Math.abs(measuredMs) < NOISE_MS ? 0 : measuredMs;
      onOffset(offsetMs);
      return true;
    },
  };
}
