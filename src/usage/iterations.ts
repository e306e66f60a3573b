import { member } from '../json/member.ts';
import { countsOf } from './formats.ts';
import { addUsage, isEmpty, known, sumOfKinds, type TokenUsage } from './token-usage.ts';

/**
 * The tokens of an answer's runs that its own counts leave out. Anthropic lists all runs in `usage.iterations`; those of
 * type `compaction`, by which a long context is summed up, are billed and stand nowhere else (`BetaUsage.iterations` of
 * `@anthropic-ai/sdk`). Those of other types are in the top level.
 */
export function tokensApart(value: unknown): TokenUsage {
  const iterations = member(value, 'usage', 'iterations');
  if (!Array.isArray(iterations)) return {};
  return iterations
    .filter((iteration) => member(iteration, 'type') === 'compaction')
    .map((iteration) => countsOf(iteration))
    .reduce(addUsage, {});
}

/** Parts of the kinds, which Bedrock's own counts never tell. */
function partsOf({ cacheWrite5mInputTokens, cacheWrite1hInputTokens, reasoningTokens }: TokenUsage): TokenUsage {
  return known({ cacheWrite5mInputTokens, cacheWrite1hInputTokens, reasoningTokens });
}

/**
 * The usage of an answer with what its counts have left out.
 *
 * Whether the counts that Bedrock adds of its own, in InvokeModel's headers and in the metrics of a stream, leave it out
 * as well is documented nowhere. The numbers show it: those that have all of it are as large as both parts together.
 *
 * @param beside the counts that stood beside what is apart
 */
export function withTokensApart(usage: TokenUsage, apart: TokenUsage, beside: TokenUsage): TokenUsage {
  if (isEmpty(apart)) return usage;
  const haveAll = sumOfKinds(usage) >= sumOfKinds(beside) + sumOfKinds(apart);
  return addUsage(usage, haveAll ? partsOf(apart) : apart);
}
