import { randomUUID } from 'node:crypto';
import { TEXT, TEXT_PIECES, toldTokens, type Tokens } from './tokens.ts';

/*
 * The Messages API of Anthropic as InvokeModel and the `/anthropic` route both speak it.
 */

/** One event of a streamed message; `type` is also the name of its server-sent event. */
export interface MessageEvent {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** A complete message. */
export function anthropicMessage(model: string, tokens: Tokens): object {
  return {
    ...emptyMessage(model),
    content: [{ type: 'text', text: TEXT }],
    stop_reason: 'end_turn',
    usage: { ...inputUsage(tokens), ...outputUsage(tokens) },
  };
}

/** A streamed message: input usage in the first event, output usage in the one before the last. */
export function anthropicEvents(model: string, tokens: Tokens): MessageEvent[] {
  return [
    {
      type: 'message_start',
      message: { ...emptyMessage(model), usage: { ...inputUsage(tokens), output_tokens: 1 } },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'ping' },
    ...TEXT_PIECES.map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: outputUsage(tokens),
    },
    { type: 'message_stop' },
  ];
}

function emptyMessage(model: string): object {
  return {
    id: `msg_bdrk_${randomUUID().replaceAll('-', '').slice(0, 24)}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

/** The output, and all runs of the model where there was another before it. */
function outputUsage(tokens: Tokens): object {
  const { outputTokens } = toldTokens(tokens);
  if (tokens.compaction === undefined) return { output_tokens: outputTokens };
  const compaction = { input_tokens: tokens.compaction.inputTokens, output_tokens: tokens.compaction.outputTokens };
  return {
    output_tokens: outputTokens,
    iterations: [
      { type: 'compaction', ...compaction, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
      { type: 'message', ...inputUsage(tokens), output_tokens: outputTokens },
    ],
  };
}

function inputUsage(tokens: Tokens): object {
  return {
    input_tokens: toldTokens(tokens).inputTokens,
    cache_creation_input_tokens: tokens.cacheWriteInputTokens,
    cache_read_input_tokens: tokens.cacheReadInputTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: tokens.cacheWrite5mInputTokens,
      ephemeral_1h_input_tokens: tokens.cacheWrite1hInputTokens,
    },
  };
}
