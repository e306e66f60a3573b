import type { TokenUsage } from '../usage/token-usage.ts';

/** What is summed up, in whole numbers. */
export const AMOUNTS = [
  'calls',
  'tokens',
  'cost',
  'inputTokens',
  'outputTokens',
  'cacheReadInputTokens',
  'cacheWriteInputTokens',
  'cacheWrite1hInputTokens',
] as const;

/**
 * Sums over calls. `tokens` are those that count in a budget, `cost` is in billionths of the currency; the kinds are
 * those of `TokenUsage`, with `cacheWrite1hInputTokens` a part of `cacheWriteInputTokens`.
 */
export type Amounts = { [Amount in (typeof AMOUNTS)[number]]: number };

export function noAmounts(): Amounts {
  return {
    calls: 0,
    tokens: 0,
    cost: 0,
    inputTokens: 0,
    outputTokens: 0,
    cacheReadInputTokens: 0,
    cacheWriteInputTokens: 0,
    cacheWrite1hInputTokens: 0,
  };
}

/** What one call adds. @param cost in billionths of the currency */
export function amountsOf(usage: TokenUsage, cost: number): Amounts {
  const { inputTokens = 0, outputTokens = 0, cacheReadInputTokens = 0, cacheWriteInputTokens = 0 } = usage;
  return {
    calls: 1,
    tokens: tokensOf(usage),
    cost,
    inputTokens,
    outputTokens,
    cacheReadInputTokens,
    cacheWriteInputTokens,
    cacheWrite1hInputTokens: usage.cacheWrite1hInputTokens ?? 0,
  };
}

export function addAmounts(to: Amounts, more: Readonly<Amounts>): void {
  // One by one: a loop over names takes several times as long, and each call does this for each of its windows.
  to.calls += more.calls;
  to.tokens += more.tokens;
  to.cost += more.cost;
  to.inputTokens += more.inputTokens;
  to.outputTokens += more.outputTokens;
  to.cacheReadInputTokens += more.cacheReadInputTokens;
  to.cacheWriteInputTokens += more.cacheWriteInputTokens;
  to.cacheWrite1hInputTokens += more.cacheWrite1hInputTokens;
}

/** What of `later` goes beyond `before`; never less than nothing: rows only grow, a lesser one is an old copy. */
export function growth(before: Readonly<Amounts>, later: Readonly<Partial<Amounts>>): Amounts {
  const grown = noAmounts();
  for (const amount of AMOUNTS) grown[amount] = Math.max(0, (later[amount] ?? 0) - before[amount]);
  return grown;
}

/**
 * What counts: input, input written to a cache, and output, one for one. Bedrock's own quotas count the same, apart from
 * a factor on the output of some models; input read from a cache is free there, too (user guide, "How tokens are counted
 * in Amazon Bedrock").
 */
export function tokensOf({
  inputTokens,
  outputTokens,
  cacheWriteInputTokens = 0,
  totalTokens = 0,
}: TokenUsage): number {
  if (inputTokens === undefined && outputTokens === undefined) return totalTokens;
  return (inputTokens ?? 0) + (outputTokens ?? 0) + cacheWriteInputTokens;
}
