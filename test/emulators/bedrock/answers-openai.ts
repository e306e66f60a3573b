import { randomUUID } from 'node:crypto';
import { plain, SERVER_SENT_EVENTS, streamed, type Answer } from './answer.ts';
import { AwsError } from './aws-error.ts';
import { guardedEvents, guardedWhole } from './guarded-answers.ts';
import { member, requireObject } from './json.ts';
import type { ReceivedRequest } from './received-request.ts';
import { countInput, countTokens, TEXT, TEXT_PIECES, totalTokens, type Tokens } from './tokens.ts';

/** `/openai/v1/chat/completions`, streamed or not; a stream tells its usage only when `stream_options` asks for it. */
export function chatCompletions(request: ReceivedRequest): Answer {
  const input = requireObject(request.body);
  const tokens = costOf(request);
  const base = {
    id: `chatcmpl-${randomUUID()}`,
    created: seconds(request.receivedAt),
    model: request.modelId,
    service_tier: 'default',
  };
  if (member(input, 'stream') !== true) {
    const message = { role: 'assistant', content: TEXT, refusal: null };
    const choices = [{ index: 0, finish_reason: 'stop', logprobs: null, message }];
    return plain(
      guardedWhole(request, { ...base, object: 'chat.completion', choices, usage: chatUsage(tokens) }),
      {},
      tokens,
    );
  }
  const chunk = (choices: object[], usage?: object): object => ({
    ...base,
    object: 'chat.completion.chunk',
    choices,
    ...(usage === undefined ? {} : { usage }),
  });
  const delta = (content: object, finishReason: string | null = null): object =>
    chunk([{ index: 0, delta: content, finish_reason: finishReason, logprobs: null }]);
  const wantsUsage = member(input, 'stream_options', 'include_usage') === true;
  const chunks = [
    delta({ role: 'assistant', content: '' }),
    ...TEXT_PIECES.map((content) => delta({ content })),
    delta({}, 'stop'),
    ...(wantsUsage ? [chunk([], chatUsage(tokens))] : []),
  ];
  const parts = [...guardedEvents(request, chunks).map(data), Buffer.from('data: [DONE]\n\n')];
  return streamed(parts, SERVER_SENT_EVENTS, tokens);
}

/** `/openai/v1/responses`, streamed or not; the usage is in the finished response of either. */
export function responses(request: ReceivedRequest): Answer {
  const input = requireObject(request.body);
  if (member(input, 'background') === true) {
    throw new AwsError(400, 'ValidationException', 'Responses are not made in the background here.');
  }
  const tokens = costOf(request);
  const itemId = `msg_${randomUUID().replaceAll('-', '')}`;
  const part = { type: 'output_text', text: TEXT, annotations: [], logprobs: [] };
  const item = { id: itemId, type: 'message', role: 'assistant', status: 'completed', content: [part] };
  const base = {
    id: `resp_${randomUUID().replaceAll('-', '')}`,
    object: 'response',
    created_at: seconds(request.receivedAt),
    model: request.modelId,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
  };
  const finished = { ...base, status: 'completed', output: [item], usage: responseUsage(tokens) };
  if (member(input, 'stream') !== true) return plain(finished, {}, tokens);

  const begun = { ...base, status: 'in_progress', output: [], usage: null };
  const place = { item_id: itemId, output_index: 0, content_index: 0 };
  const delta = { type: 'response.output_text.delta', ...place, logprobs: [] };
  const events = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...item, status: 'in_progress', content: [] },
    },
    { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
    ...TEXT_PIECES.map((text) => Object.assign({}, delta, { delta: text })),
    { type: 'response.output_text.done', ...place, text: TEXT, logprobs: [] },
    { type: 'response.content_part.done', ...place, part },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: finished },
  ];
  const parts = events.map((event, index) =>
    Buffer.concat([Buffer.from(`event: ${event.type}\n`), data({ ...event, sequence_number: index })]),
  );
  return streamed(parts, SERVER_SENT_EVENTS, tokens);
}

function data(value: object): Buffer {
  return Buffer.from(`data: ${JSON.stringify(value)}\n\n`);
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

/**
 * Nobody marks what is to be cached here, and writing to a cache is not told: a request with a key for it has read half of
 * its prompt from there. One that wants reasoning has a quarter of its output thought.
 */
function costOf(request: ReceivedRequest): Tokens {
  const input = countInput(request);
  const { outputTokens } = countTokens(request);
  const cacheReadInputTokens = request.body.includes('"prompt_cache_key"') ? Math.floor(input / 2) : 0;
  return {
    inputTokens: input - cacheReadInputTokens,
    outputTokens,
    cacheReadInputTokens,
    cacheWriteInputTokens: 0,
    reasoningTokens: /"reasoning(_effort)?"/.test(request.body.toString('latin1')) ? Math.floor(outputTokens / 4) : 0,
  };
}

/** OpenAI counts cached tokens within the prompt. */
function promptTokens(tokens: Tokens): number {
  return totalTokens(tokens) - tokens.outputTokens;
}

function chatUsage(tokens: Tokens): object {
  return {
    prompt_tokens: promptTokens(tokens),
    completion_tokens: tokens.outputTokens,
    total_tokens: totalTokens(tokens),
    prompt_tokens_details: { cached_tokens: tokens.cacheReadInputTokens },
    completion_tokens_details: { reasoning_tokens: tokens.reasoningTokens },
  };
}

function responseUsage(tokens: Tokens): object {
  return {
    input_tokens: promptTokens(tokens),
    input_tokens_details: { cached_tokens: tokens.cacheReadInputTokens },
    output_tokens: tokens.outputTokens,
    output_tokens_details: { reasoning_tokens: tokens.reasoningTokens },
    total_tokens: totalTokens(tokens),
  };
}
