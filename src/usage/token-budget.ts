import { ProxyError } from '../errors.ts';
import type { TokenUsage } from './token-usage.ts';

/** Limits the tokens of each subscription, as far as this process sees them. */
export interface TokenBudget {
  /**
   * Admits a call of a subscription; those of callers without one share a budget.
   *
   * @returns takes what the call has used, once that is known
   * @throws ProxyError `throttled` while the budget is used up, with the time after which it is not
   */
  admit(subscriptionId: string | undefined): (usage: TokenUsage) => void;
  /** Subscriptions that are kept account of. */
  readonly size: number;
}

const MINUTE_MS = 60_000;

/**
 * A bucket for each subscription that holds the tokens of one minute and is filled up again steadily. What a call uses is
 * known only after it, so a call is admitted while anything is left, and the bucket may owe what the call used beyond:
 * then it has to be filled to above zero first. However large single calls are, no more than the budget is used in the
 * long run, which a window of a minute that forgets them would not hold.
 *
 * A bucket is one number, the time at which it will be full. One that is full again is as good as one that never was, and
 * is forgotten within a minute.
 *
 * @param now milliseconds of a clock that never goes back
 */
export function createTokenBudget(tokensPerMinute: number, now: () => number = () => performance.now()): TokenBudget {
  const msPerToken = MINUTE_MS / tokensPerMinute;
  const fullAt = new Map<string, number>();
  let sweepAt = now() + MINUTE_MS;

  const sweep = (time: number) => {
    sweepAt = time + MINUTE_MS;
    for (const [key, full] of fullAt) if (full <= time) fullAt.delete(key);
  };

  return {
    get size() {
      return fullAt.size;
    },
    admit(subscriptionId = '') {
      const waitMs = (fullAt.get(subscriptionId) ?? 0) - now() - MINUTE_MS;
      if (waitMs >= 0) {
        throw new ProxyError('throttled', 'The token budget of this subscription is used up.', {
          // The first whole second at which something is left.
          retryAfterSeconds: Math.floor(waitMs / 1000) + 1,
        });
      }
      return (usage) => {
        const tokens = tokensOf(usage);
        if (tokens === 0) return;
        const time = now();
        if (time >= sweepAt) sweep(time);
        fullAt.set(subscriptionId, Math.max(time, fullAt.get(subscriptionId) ?? 0) + tokens * msPerToken);
      };
    },
  };
}

/**
 * What counts: input, input written to a cache, and output, one for one. Bedrock's own quotas count the same, apart from
 * a factor on the output of some models; input read from a cache is free there, too (user guide, "How tokens are counted
 * in Amazon Bedrock").
 */
function tokensOf({ inputTokens, outputTokens, cacheWriteInputTokens = 0, totalTokens = 0 }: TokenUsage): number {
  if (inputTokens === undefined && outputTokens === undefined) return totalTokens;
  return (inputTokens ?? 0) + (outputTokens ?? 0) + cacheWriteInputTokens;
}
