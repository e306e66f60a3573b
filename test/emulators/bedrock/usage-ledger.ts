import type { Tokens } from './tokens.ts';

/** Sum over the answers of one model. */
export interface TokensGiven extends Required<Omit<Tokens, 'compaction'>> {
  readonly answers: number;
}

/** What one answer cost. */
export interface GivenAnswer {
  /** As in the answer's `x-amzn-RequestId`. */
  readonly requestId: string;
  readonly modelId: string;
  readonly tokens: Tokens;
}

/** What the emulator gave out, for a test to compare with what was counted on the way. */
export interface UsageLedger {
  /** Adds nothing for an answer without a model or without cost. */
  add(requestId: string, modelId: string | undefined, tokens: Tokens | undefined): void;
  readonly answers: readonly GivenAnswer[];
  byModel(): Record<string, TokensGiven>;
  clear(): void;
}

/** An empty ledger. */
export function usageLedger(): UsageLedger {
  const answers: GivenAnswer[] = [];
  return {
    answers,
    add(requestId, modelId, tokens) {
      if (modelId !== undefined && tokens !== undefined) answers.push({ requestId, modelId, tokens });
    },
    byModel: () =>
      Object.fromEntries(
        Map.groupBy(answers, ({ modelId }) => modelId)
          .entries()
          .map(([modelId, given]) => [modelId, sumOf(given)]),
      ),
    clear: () => void answers.splice(0),
  };
}

/** The sum of what these answers cost; a kind that an answer does not tell adds nothing. */
export function sumOf(answers: readonly GivenAnswer[]): TokensGiven {
  const sum = (kind: Exclude<keyof Tokens, 'compaction'>) =>
    answers.reduce((total, { tokens }) => total + (tokens[kind] ?? 0), 0);
  return {
    answers: answers.length,
    inputTokens: sum('inputTokens'),
    outputTokens: sum('outputTokens'),
    cacheReadInputTokens: sum('cacheReadInputTokens'),
    cacheWriteInputTokens: sum('cacheWriteInputTokens'),
    cacheWrite5mInputTokens: sum('cacheWrite5mInputTokens'),
    cacheWrite1hInputTokens: sum('cacheWrite1hInputTokens'),
    reasoningTokens: sum('reasoningTokens'),
  };
}
