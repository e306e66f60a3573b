import type { Tokens } from './tokens.ts';

/** Sum over the answers of one model. */
export interface TokensGiven extends Tokens {
  readonly answers: number;
}

/** What the emulator gave out, for a test to compare with what was counted on the way. */
export interface UsageLedger {
  /** Adds nothing for an answer without a model or without cost. */
  add(model: string | undefined, tokens: Tokens | undefined): void;
  byModel(): Record<string, TokensGiven>;
  clear(): void;
}

/** An empty ledger. */
export function usageLedger(): UsageLedger {
  const sums = new Map<string, TokensGiven>();
  return {
    add(model, tokens) {
      if (model === undefined || tokens === undefined) return;
      const before = sums.get(model);
      sums.set(model, {
        answers: (before?.answers ?? 0) + 1,
        inputTokens: (before?.inputTokens ?? 0) + tokens.inputTokens,
        outputTokens: (before?.outputTokens ?? 0) + tokens.outputTokens,
        cacheReadInputTokens: (before?.cacheReadInputTokens ?? 0) + tokens.cacheReadInputTokens,
        cacheWriteInputTokens: (before?.cacheWriteInputTokens ?? 0) + tokens.cacheWriteInputTokens,
      });
    },
    byModel: () => Object.fromEntries(sums),
    clear: () => sums.clear(),
  };
}
