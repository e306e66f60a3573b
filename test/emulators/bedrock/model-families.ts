import { anthropicEvents, anthropicMessage } from './anthropic-message.ts';
import { converseUsage } from './answers-converse.ts';
import { member } from './json.ts';
import { TEXT, TEXT_PIECES, type Tokens } from './tokens.ts';

/** How a family of models writes its answers. */
export interface Family {
  /** Its answers have no headers with the numbers of tokens. */
  readonly headless?: true;
  /** Its answers tell how the caches written divide. */
  readonly dividesCaches?: true;
  /** It writes no text: its output costs nothing. */
  readonly silent?: true;
  whole(model: string, tokens: Tokens, input: object): object;
  /** Without the invocation metrics, which the last one carries in addition. */
  events?(model: string, tokens: Tokens): object[];
}

const anthropic: Family = {
  dividesCaches: true,
  whole: anthropicMessage,
  events: (model, tokens) => anthropicEvents(model, tokens).filter(({ type }) => type !== 'ping'),
};

const nova: Family = {
  whole: (_, tokens) => ({
    output: { message: { content: [{ text: TEXT }], role: 'assistant' } },
    stopReason: 'end_turn',
    usage: converseUsage(tokens),
  }),
  events: (_, tokens) => [
    { messageStart: { role: 'assistant' } },
    ...TEXT_PIECES.map((text) => ({ contentBlockDelta: { delta: { text }, contentBlockIndex: 0 } })),
    { contentBlockStop: { contentBlockIndex: 0 } },
    { messageStop: { stopReason: 'end_turn' } },
    { metadata: { usage: converseUsage(tokens), metrics: {}, trace: {} } },
  ],
};

const llama: Family = {
  whole: (_, tokens) => ({
    generation: TEXT,
    prompt_token_count: tokens.inputTokens,
    generation_token_count: tokens.outputTokens,
    stop_reason: 'stop',
  }),
  events: (_, tokens) =>
    TEXT_PIECES.map((generation, index) => ({
      generation,
      prompt_token_count: index === 0 ? tokens.inputTokens : null,
      generation_token_count: index + 1,
      stop_reason: index === TEXT_PIECES.length - 1 ? 'stop' : null,
    })),
};

const mistral: Family = {
  whole: () => ({ outputs: [{ text: TEXT, stop_reason: 'stop' }] }),
  events: () =>
    TEXT_PIECES.map((text, index) => ({
      outputs: [{ text, stop_reason: index === TEXT_PIECES.length - 1 ? 'stop' : null }],
    })),
};

const cohere: Family = {
  headless: true,
  whole: (_, tokens) => ({
    response_id: 'r',
    text: TEXT,
    generation_id: 'g',
    chat_history: [],
    finish_reason: 'COMPLETE',
    meta: {
      api_version: { version: '1' },
      billed_units: { input_tokens: tokens.inputTokens, output_tokens: tokens.outputTokens },
    },
  }),
  events: () => [
    ...TEXT_PIECES.map((text) => ({ text, is_finished: false })),
    { is_finished: true, finish_reason: 'COMPLETE' },
  ],
};

const cohereEmbedding: Family = {
  headless: true,
  silent: true,
  whole: (_, tokens) => ({
    id: 'e',
    embeddings: [[0.25, -0.5]],
    response_type: 'embeddings_floats',
    meta: { billed_units: { input_tokens: tokens.inputTokens } },
  }),
};

const titanEmbedding: Family = {
  silent: true,
  whole: (_, tokens, input) => {
    const dimensions = member(input, 'dimensions');
    const length = typeof dimensions === 'number' ? dimensions : 1024;
    return {
      embedding: Array.from({ length }, (_unused, index) => Math.sin(index + 1)),
      inputTextTokenCount: tokens.inputTokens,
    };
  },
};

/** By the request's body and not by the model id, which can be an opaque ARN. */
export function familyOf(input: object | undefined): Family | undefined {
  if (member(input, 'anthropic_version') !== undefined) return anthropic;
  if (member(input, 'message') !== undefined) return cohere;
  if (member(input, 'texts') !== undefined) return cohereEmbedding;
  if (member(input, 'messages') !== undefined) return nova;
  if (member(input, 'prompt') !== undefined) return member(input, 'max_tokens') === undefined ? llama : mistral;
  if (member(input, 'inputText') !== undefined) return titanEmbedding;
  return undefined;
}
