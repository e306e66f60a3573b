import type { ReceivedRequest } from './received-request.ts';

/** Tokens of one answer. `inputTokens` excludes what was read from or written to a cache, as Bedrock counts. */
export interface Tokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadInputTokens: number;
  readonly cacheWriteInputTokens: number;
  /** Parts of `cacheWriteInputTokens` by time to live, where the answer tells them. */
  readonly cacheWrite5mInputTokens?: number;
  readonly cacheWrite1hInputTokens?: number;
  /** Part of `outputTokens`, where the answer tells it. */
  readonly reasoningTokens?: number;
  /** Part of `inputTokens` and `outputTokens` that a run of its own took, by which the context was summed up. */
  readonly compaction?: { readonly inputTokens: number; readonly outputTokens: number };
}

/** What the emulator says in every generated text, in the pieces it streams. */
export const TEXT_PIECES = [
  'A request signature ',
  'is a seal: ',
  'it is computed from ',
  'the exact bytes of a request ',
  'and a secret that never travels. ',
  'Change one byte – ',
  'the path, a header, ',
  'a comma in the body – ',
  'and the seal ',
  'no longer fits.',
] as const;

/** The whole of the generated text. */
export const TEXT = TEXT_PIECES.join('');

/** Input tokens of a request: they grow with its body, so that different requests cost differently. */
export function countInput({ body }: ReceivedRequest): number {
  return Math.ceil(body.length / 4);
}

/** The cost of an answer of `outputText`; a request that marks a cache point has part of its input read and written there. */
export function countTokens(request: ReceivedRequest, outputText = TEXT): Tokens {
  const total = countInput(request);
  const caches = /"cachePoint"|"cache_control"/.test(request.body.toString('latin1'));
  const cacheReadInputTokens = caches ? Math.floor(total / 2) : 0;
  const cacheWriteInputTokens = caches ? Math.floor(total / 4) : 0;
  return {
    inputTokens: total - cacheReadInputTokens - cacheWriteInputTokens,
    outputTokens: Math.ceil(outputText.length / 4),
    cacheReadInputTokens,
    cacheWriteInputTokens,
  };
}

/** The same cost with the caches written divided by time to live: half of them live an hour if the request says so. */
export function divideCaches(tokens: Tokens, { body }: ReceivedRequest): Tokens {
  const hours = body.includes('"ttl":"1h"') ? Math.floor(tokens.cacheWriteInputTokens / 2) : 0;
  return {
    ...tokens,
    cacheWrite5mInputTokens: tokens.cacheWriteInputTokens - hours,
    cacheWrite1hInputTokens: hours,
  };
}

/** The same cost with a run of compaction before it, if the request asks for one. */
export function withCompaction(tokens: Tokens, { body }: ReceivedRequest): Tokens {
  if (!body.includes('"compact_20260112"')) return tokens;
  const compaction = { inputTokens: 20 * body.length, outputTokens: Math.ceil(body.length / 10) };
  return {
    ...tokens,
    inputTokens: tokens.inputTokens + compaction.inputTokens,
    outputTokens: tokens.outputTokens + compaction.outputTokens,
    compaction,
  };
}

/** What an answer's counts tell, those of Bedrock's headers and metrics included: all but the compaction. */
export function toldTokens({ compaction, ...tokens }: Tokens): Tokens {
  return {
    ...tokens,
    inputTokens: tokens.inputTokens - (compaction?.inputTokens ?? 0),
    outputTokens: tokens.outputTokens - (compaction?.outputTokens ?? 0),
  };
}

/** All tokens of an answer. */
export function totalTokens(tokens: Tokens): number {
  return tokens.inputTokens + tokens.outputTokens + tokens.cacheReadInputTokens + tokens.cacheWriteInputTokens;
}

/** A believable duration of the generation, in milliseconds. */
export function latencyMs({ outputTokens }: Tokens): number {
  return 250 + 12 * outputTokens;
}
