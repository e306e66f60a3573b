/** Tokens by kind. What the answer does not tell is absent. */
export interface TokenUsage {
  /** Input that was neither read from a cache nor written to one, in every dialect: the kinds never overlap. */
  inputTokens?: number;
  outputTokens?: number;
  totalTokens?: number;
  cacheReadInputTokens?: number;
  cacheWriteInputTokens?: number;
  /** Parts of `cacheWriteInputTokens` by the time to live, which have different prices. */
  cacheWrite5mInputTokens?: number;
  cacheWrite1hInputTokens?: number;
  /** Part of `outputTokens`. */
  reasoningTokens?: number;
}

const KINDS = [
  'inputTokens',
  'outputTokens',
  'totalTokens',
  'cacheReadInputTokens',
  'cacheWriteInputTokens',
  'cacheWrite5mInputTokens',
  'cacheWrite1hInputTokens',
  'reasoningTokens',
] as const satisfies (keyof TokenUsage)[];

/** All that an answer has used, without its own total. */
export function sumOfKinds(usage: TokenUsage): number {
  const { inputTokens = 0, outputTokens = 0, cacheReadInputTokens = 0, cacheWriteInputTokens = 0 } = usage;
  return inputTokens + outputTokens + cacheReadInputTokens + cacheWriteInputTokens;
}

/** Both together. What one of them tells counts, but a total only where the first has one. */
export function addUsage(usage: TokenUsage, more: TokenUsage): TokenUsage {
  const sum: TokenUsage = {};
  for (const kind of KINDS) {
    if (usage[kind] !== undefined || more[kind] !== undefined) sum[kind] = (usage[kind] ?? 0) + (more[kind] ?? 0);
  }
  delete sum.totalTokens;
  return usage.totalTokens === undefined ? sum : { ...sum, totalTokens: usage.totalTokens + sumOfKinds(more) };
}

/** Leaves out what is not known. */
export function known(usage: { readonly [Kind in keyof TokenUsage]?: number | undefined }): TokenUsage {
  const left: TokenUsage = {};
  for (const kind of KINDS) {
    const count = usage[kind];
    if (count !== undefined) left[kind] = count;
  }
  return left;
}

/** True when nothing is known. */
export function isEmpty(usage: TokenUsage): boolean {
  return Object.keys(usage).length === 0;
}

/**
 * Counts that have become known twice: the later ones hold. But where they tell of no cache, and their input is what
 * was already known to divide into plain, read and written, the division stays: else the same tokens would count twice.
 */
export function mergeUsage(before: TokenUsage, later: TokenUsage): TokenUsage {
  const merged = { ...before, ...later };
  const { inputTokens, cacheReadInputTokens = 0, cacheWriteInputTokens = 0 } = before;
  const toldOfCaches = later.cacheReadInputTokens ?? later.cacheWriteInputTokens;
  if (inputTokens === undefined || toldOfCaches !== undefined) return merged;
  const cached = cacheReadInputTokens + cacheWriteInputTokens;
  return later.inputTokens === inputTokens + cached ? { ...merged, inputTokens } : merged;
}

/** Bedrock's own total, which some answers lack; then the sum of what cannot overlap. */
export function withTotal(usage: TokenUsage): TokenUsage {
  if (usage.totalTokens !== undefined || usage.inputTokens === undefined) return usage;
  return { ...usage, totalTokens: sumOfKinds(usage) };
}
