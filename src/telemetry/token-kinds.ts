import type { RequestRecord } from '../record/record.ts';

/**
 * Input tokens as the GenAI conventions count them, which include what was read from a cache or written to one; Bedrock
 * and the record keep the three apart. Undefined when none of them is known.
 */
export function inputOf(record: Readonly<RequestRecord>): number | undefined {
  const { inputTokens, cacheReadInputTokens, cacheWriteInputTokens } = record;
  if (inputTokens === undefined && cacheReadInputTokens === undefined && cacheWriteInputTokens === undefined) {
    return undefined;
  }
  return (inputTokens ?? 0) + (cacheReadInputTokens ?? 0) + (cacheWriteInputTokens ?? 0);
}

/**
 * Tokens by the kinds that have prices of their own. They never overlap; their sum is what the conventions count as
 * input and output together. `cache_write` is what was written without a word on how long it is kept.
 */
export function tokensByKind(record: Readonly<RequestRecord>): readonly (readonly [kind: string, count: number])[] {
  const { cacheWriteInputTokens, cacheWrite5mInputTokens = 0, cacheWrite1hInputTokens = 0 } = record;
  const kinds = [
    ['input', record.inputTokens],
    ['output', record.outputTokens],
    ['cache_read', record.cacheReadInputTokens],
    ['cache_write_5m', record.cacheWrite5mInputTokens],
    ['cache_write_1h', record.cacheWrite1hInputTokens],
    ['cache_write', (cacheWriteInputTokens ?? 0) - cacheWrite5mInputTokens - cacheWrite1hInputTokens],
  ] as const;
  return kinds.flatMap(([kind, count]) => (count !== undefined && count > 0 ? [[kind, count] as const] : []));
}
