import type { TokenCounts } from './formats.ts';

const NAMES: readonly (readonly [name: string, kind: keyof TokenCounts])[] = [
  ['x-bedrock-usage-input-tokens', 'inputTokens'],
  ['x-bedrock-usage-output-tokens', 'outputTokens'],
  ['x-bedrock-usage-total-tokens', 'totalTokens'],
  ['x-bedrock-usage-cache-read-input-tokens', 'cacheReadInputTokens'],
  ['x-bedrock-usage-cache-write-input-tokens', 'cacheWriteInputTokens'],
];

/** Tells the gateway what an answer has used, as far as it is known. A header that is there already stays. */
export function addUsageHeaders(headers: Record<string, string | string[]>, counts: TokenCounts): void {
  for (const [name, kind] of NAMES) {
    const count = counts[kind];
    if (count !== undefined) headers[name] ??= String(count);
  }
}
