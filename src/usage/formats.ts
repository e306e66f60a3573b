import { member } from '../json/member.ts';
import { isEmpty, known, mergeUsage, type TokenUsage } from './token-usage.ts';

export interface FoundUsage {
  readonly usage: TokenUsage;
  /** False for counts that later events may raise. */
  readonly final: boolean;
}

/** The name of the member that most dialects have; in a string its quotes would be escaped, so it is always a name. */
export const USAGE_NAME = Buffer.from('"usage"');

/** What Bedrock adds to the last event of InvokeModelWithResponseStream, whatever the model. */
const INVOCATION_METRICS = 'amazon-bedrock-invocationMetrics';

/**
 * The token counts in an answer or in one event of a streamed one, of any of the dialects that Bedrock speaks. They
 * tell themselves apart: a model id can be an opaque ARN.
 *
 * @param value parsed JSON
 */
export function findUsage(value: unknown): FoundUsage | undefined {
  const choices = member(value, 'choices');
  const unfinished = Array.isArray(choices) && choices.length > 0 && member(choices[0], 'delta') !== undefined;
  const running = Object.assign(countsOf(value), titanOutput(value));
  // Anthropic's first event knows the input; the one output token that it tells is none of the answer's.
  const { outputTokens: _first, ...started } = countsOf(member(value, 'message', 'usage'));
  const usage = countsOf(member(value, 'usage'));
  const final = Object.assign(
    countsOf(member(value, 'response', 'usage')),
    countsOf(member(value, 'metadata', 'usage')),
    countsOf(member(value, 'meta')),
    countsOf(member(value, INVOCATION_METRICS)),
  );
  const found = mergeUsage(Object.assign(running, started, usage), final);
  if (isEmpty(found)) return undefined;
  return { usage: found, final: !isEmpty(final) || (!isEmpty(usage) && !unfinished) };
}

/**
 * One object with counts: Converse and Nova; Anthropic; OpenAI, also Mistral, DeepSeek and others; Llama; Titan and Nova
 * embeddings; the invocation metrics; Cohere (the units it bills, below the counts of its tokenizer).
 */
export function countsOf(value: unknown): TokenUsage {
  const usage = member(value, 'billed_units') ?? value;
  if (typeof usage !== 'object' || usage === null) return {};
  const inputDetails = member(usage, 'prompt_tokens_details') ?? member(usage, 'input_tokens_details');
  const outputDetails = member(usage, 'completion_tokens_details') ?? member(usage, 'output_tokens_details');
  const cacheRead = firstCount(usage, NAMES.cacheRead) ?? firstCount(inputDetails, ['cached_tokens']);
  const cacheWrite = firstCount(usage, NAMES.cacheWrite) ?? firstCount(inputDetails, ['cache_write_tokens']);
  const input = firstCount(usage, NAMES.input);
  const [write5m, write1h] = [cacheWriteOf(usage, '5m'), cacheWriteOf(usage, '1h')];
  // What is told by its parts alone has been written too.
  const written = Math.max(cacheWrite ?? 0, (write5m ?? 0) + (write1h ?? 0));
  // OpenAI counts what the cache gave or took as input too, the others do not.
  const within = typeof inputDetails === 'object' && inputDetails !== null ? (cacheRead ?? 0) + (cacheWrite ?? 0) : 0;
  return known({
    inputTokens: input === undefined ? undefined : Math.max(0, input - within),
    outputTokens: firstCount(usage, NAMES.output),
    totalTokens: firstCount(usage, NAMES.total),
    cacheReadInputTokens: cacheRead,
    cacheWriteInputTokens: written > 0 ? written : cacheWrite,
    cacheWrite5mInputTokens: write5m,
    cacheWrite1hInputTokens: write1h,
    reasoningTokens: firstCount(outputDetails, ['reasoning_tokens', 'thinking_tokens']),
  });
}

/** By dialect. */
const NAMES = {
  input: [
    'inputTokens',
    'input_tokens',
    'prompt_tokens',
    'inputTokenCount',
    'prompt_token_count',
    'inputTextTokenCount',
  ],
  output: [
    'outputTokens',
    'output_tokens',
    'completion_tokens',
    'outputTokenCount',
    'generation_token_count',
    'totalOutputTextTokenCount',
  ],
  total: ['totalTokens', 'total_tokens'],
  cacheRead: ['cacheReadInputTokens', 'cacheReadInputTokenCount', 'cache_read_input_tokens'],
  cacheWrite: ['cacheWriteInputTokens', 'cacheWriteInputTokenCount', 'cache_creation_input_tokens'],
} as const;

function firstCount(value: unknown, names: readonly string[]): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const name of names) {
    const count = (value as Record<string, unknown>)[name];
    if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count;
  }
  return undefined;
}

/** Converse lists the caches written by their time to live; Anthropic has a member for each. */
function cacheWriteOf(usage: object, ttl: '5m' | '1h'): number | undefined {
  const details = member(usage, 'cacheDetails');
  if (!Array.isArray(details)) return firstCount(member(usage, 'cache_creation'), [`ephemeral_${ttl}_input_tokens`]);
  const counts = details.filter((detail) => member(detail, 'ttl') === ttl).map((d) => firstCount(d, ['inputTokens']));
  return sum(counts);
}

/** Titan text tells its output per result. */
function titanOutput(answer: unknown): TokenUsage {
  const results = member(answer, 'results');
  if (!Array.isArray(results) || member(answer, 'inputTextTokenCount') === undefined) return {};
  return known({ outputTokens: sum(results.map((result) => firstCount(result, ['tokenCount']))) });
}

function sum(counts: readonly (number | undefined)[]): number | undefined {
  return counts.reduce((total, count) => (count === undefined ? total : (total ?? 0) + count), undefined);
}
