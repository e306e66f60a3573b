import type { TokenUsage } from './token-usage.ts';

/** `openai.…`, also behind a geography or within an ARN. */
const OPENAI = /(?:^|[./])openai\./;

/** True for a model of OpenAI's, as far as its id tells; application profiles and other opaque ARNs do not. */
export function isOpenAi(modelId: string): boolean {
  return OPENAI.test(modelId);
}

/**
 * Converse counts the cache apart from the input, but for models of OpenAI's a stream has counted it as input too, and
 * once more in the total (measured for `openai.gpt-5.6` in maximhq/bifrost#6942: input 4,995, written 4,993, total
 * 10,007; the same call without a stream said input 2). The numbers must show it: the input has room for the cache, and
 * the total is the sum of all kinds, as of a stream; or of input and output alone, which leaves nothing but that.
 */
export function withoutCacheOverlap(usage: TokenUsage, streamed: boolean): TokenUsage {
  const { inputTokens = 0, outputTokens = 0, totalTokens } = usage;
  const cached = (usage.cacheReadInputTokens ?? 0) + (usage.cacheWriteInputTokens ?? 0);
  if (cached === 0 || inputTokens < cached) return usage;
  if (totalTokens === inputTokens + outputTokens) return { ...usage, inputTokens: inputTokens - cached };
  if (!streamed || totalTokens !== inputTokens + outputTokens + cached) return usage;
  return { ...usage, inputTokens: inputTokens - cached, totalTokens: totalTokens - cached };
}
