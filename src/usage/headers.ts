import type { AnswerHead } from '../streams/format.ts';
import type { TokenUsage } from './token-usage.ts';

/** What Bedrock tells. */
const RECEIVED = [
  ['inputTokens', 'x-amzn-bedrock-input-token-count'],
  ['outputTokens', 'x-amzn-bedrock-output-token-count'],
  ['cacheReadInputTokens', 'x-amzn-bedrock-cache-read-input-token-count'],
  ['cacheWriteInputTokens', 'x-amzn-bedrock-cache-write-input-token-count'],
] as const;

/** What the gateway is told. */
const RETURNED = [
  ['inputTokens', 'x-bedrock-usage-input-tokens'],
  ['outputTokens', 'x-bedrock-usage-output-tokens'],
  ['totalTokens', 'x-bedrock-usage-total-tokens'],
  ['cacheReadInputTokens', 'x-bedrock-usage-cache-read-input-tokens'],
  ['cacheWriteInputTokens', 'x-bedrock-usage-cache-write-input-tokens'],
] as const;

/** InvokeModel's answers carry their counts in headers, for most models. */
export function usageInHeaders(headers: AnswerHead['headers']): TokenUsage {
  const usage: TokenUsage = {};
  for (const [kind, name] of RECEIVED) {
    const value = headers[name];
    if (typeof value === 'string' && /^\d{1,15}$/.test(value)) usage[kind] = Number(value);
  }
  return usage;
}

/** Tells the gateway what an answer has used, as far as it is known. A header that is there already stays. */
export function addUsageHeaders(headers: Record<string, string | string[]>, usage: TokenUsage): void {
  for (const [kind, name] of RETURNED) {
    const count = usage[kind];
    if (count !== undefined) headers[name] ??= String(count);
  }
}
