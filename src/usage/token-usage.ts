import type { TokenCounts } from './formats.ts';

/**
 * Counts that have become known twice: the later ones hold. But where they tell of no cache, and their input is what
 * was already known to divide into plain, read and written, the division stays: else the same tokens would count twice.
 */
export function mergeCounts(before: TokenCounts, later: TokenCounts): TokenCounts {
  const merged = { ...before, ...later };
  const { inputTokens, cacheReadInputTokens = 0, cacheWriteInputTokens = 0 } = before;
  const toldOfCaches = later.cacheReadInputTokens ?? later.cacheWriteInputTokens;
  if (inputTokens === undefined || toldOfCaches !== undefined) return merged;
  const cached = cacheReadInputTokens + cacheWriteInputTokens;
  return later.inputTokens === inputTokens + cached ? { ...merged, inputTokens } : merged;
}

/** Bedrock's own total, which some answers lack; then the sum of what cannot overlap. */
export function withTotal(counts: TokenCounts): TokenCounts {
  const { totalTokens, inputTokens, outputTokens = 0, cacheReadInputTokens = 0, cacheWriteInputTokens = 0 } = counts;
  if (totalTokens !== undefined || inputTokens === undefined) return counts;
  return { ...counts, totalTokens: inputTokens + outputTokens + cacheReadInputTokens + cacheWriteInputTokens };
}
