import {
  type ContentBlock,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';

import type { Clients } from '../support/gateway-clients.ts';
import { openAiModel } from '../support/models.ts';

/** One of the kinds of call that use tokens, or count them. */
export interface MixedCall {
  readonly name: string;
  /** As the record names it. */
  readonly operation: string;
  readonly modelId: string;
  /** Calls by a real client, reads the answer to its end, and resolves with Bedrock's request id. */
  call(clients: Clients, text: string): Promise<string | undefined>;
}

const PROFILE = 'us.anthropic.claude-3-5-haiku-20241022-v1:0';
const PROFILE_ARN = `arn:aws:bedrock:us-east-1:123456789012:inference-profile/${PROFILE}`;
const OPAQUE = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6';

const hour = { type: 'ephemeral' as const, ttl: '1h' as const };
const BRIEFLY = { max_tokens: 50 };

/** What Converse is asked, with its caches marked or without. */
function converse(modelId: string, text: string, cached: boolean) {
  const content: ContentBlock[] = [{ text }];
  if (cached) content.push({ cachePoint: { type: 'default', ttl: '1h' } });
  return { modelId, messages: [{ role: 'user' as const, content }] };
}

/** Bodies of InvokeModel by family of models; each with a model of its own. */
const FAMILIES: readonly (readonly [family: string, modelId: string, body: (text: string) => object])[] = [
  [
    'Anthropic',
    OPAQUE,
    (content) => ({ anthropic_version: 'bedrock-2023-05-31', ...BRIEFLY, messages: user(content) }),
  ],
  [
    'Anthropic with caches',
    PROFILE,
    (text) => ({
      anthropic_version: 'bedrock-2023-05-31',
      ...BRIEFLY,
      messages: [{ role: 'user', content: [{ type: 'text', text, cache_control: hour }] }],
    }),
  ],
  [
    'Anthropic with compaction',
    'us.anthropic.claude-opus-4-6-v1',
    (content) => ({
      anthropic_version: 'bedrock-2023-05-31',
      anthropic_beta: ['compact-2026-01-12'],
      ...BRIEFLY,
      context_management: { edits: [{ type: 'compact_20260112' }] },
      messages: user(content),
    }),
  ],
  ['Nova', 'amazon.nova-lite-v1:0', (text) => ({ messages: [{ role: 'user', content: [{ text }] }] })],
  [
    'Nova with caches',
    'amazon.nova-pro-v1:0',
    (text) => ({ messages: [{ role: 'user', content: [{ text }, { cachePoint: { type: 'default' } }] }] }),
  ],
  ['Llama', 'us.meta.llama3-1-70b-instruct-v1:0', (prompt) => ({ prompt, max_gen_len: 50 })],
  ['Mistral', 'mistral.mistral-7b-instruct-v0:2', (prompt) => ({ prompt, max_tokens: 50 })],
  ['Cohere', 'cohere.command-r-v1:0', (message) => ({ message })],
];
const EMBEDDINGS: typeof FAMILIES = [
  ['Titan embeddings', 'amazon.titan-embed-text-v2:0', (inputText) => ({ inputText, dimensions: 8 })],
  ['Cohere embeddings', 'cohere.embed-english-v3', (text) => ({ texts: [text], input_type: 'search_query' })],
];

function user<Content>(content: Content) {
  return [{ role: 'user' as const, content }];
}

async function readAll(events: AsyncIterable<unknown> | undefined): Promise<void> {
  await Array.fromAsync(events ?? []);
}

/** The id in the answer of OpenAI's or Anthropic's client. */
function idIn({ headers }: Response): string | undefined {
  return headers.get('x-amzn-requestid') ?? undefined;
}

function conversing(modelId: string, cached: boolean): MixedCall[] {
  return [
    {
      name: `Converse${cached ? ' with caches' : ''}`,
      operation: 'Converse',
      modelId,
      async call({ aws }, text) {
        return (await aws.send(new ConverseCommand(converse(modelId, text, cached)))).$metadata.requestId;
      },
    },
    {
      name: `ConverseStream${cached ? ' with caches' : ''}`,
      operation: 'ConverseStream',
      modelId,
      async call({ aws }, text) {
        const { stream, $metadata } = await aws.send(new ConverseStreamCommand(converse(modelId, text, cached)));
        await readAll(stream);
        return $metadata.requestId;
      },
    },
  ];
}

const invoked = [...FAMILIES, ...EMBEDDINGS].map(([family, modelId, bodyOf]): MixedCall => ({
  name: `InvokeModel, ${family}`,
  operation: 'InvokeModel',
  modelId,
  async call({ aws }, text) {
    const body = JSON.stringify(bodyOf(text));
    return (await aws.send(new InvokeModelCommand({ modelId, body }))).$metadata.requestId;
  },
}));

const invokedStreams = FAMILIES.map(([family, modelId, bodyOf]): MixedCall => ({
  name: `InvokeModelWithResponseStream, ${family}`,
  operation: 'InvokeModelWithResponseStream',
  modelId,
  async call({ aws }, text) {
    const body = JSON.stringify(bodyOf(text));
    const { body: stream, $metadata } = await aws.send(new InvokeModelWithResponseStreamCommand({ modelId, body }));
    await readAll(stream);
    return $metadata.requestId;
  },
}));

const others: readonly MixedCall[] = [
  {
    name: 'CountTokens',
    operation: 'CountTokens',
    modelId: PROFILE,
    async call({ aws }, text) {
      const { messages } = converse(PROFILE, text, false);
      return (await aws.send(new CountTokensCommand({ modelId: PROFILE, input: { converse: { messages } } }))).$metadata
        .requestId;
    },
  },
  {
    name: 'ChatCompletions',
    operation: 'ChatCompletions',
    modelId: openAiModel,
    async call({ openai }, text) {
      const answer = openai.chat.completions.create({
        model: openAiModel,
        messages: user(text),
        reasoning_effort: 'high',
      });
      return idIn((await answer.withResponse()).response);
    },
  },
  {
    name: 'ChatCompletions, streamed',
    operation: 'ChatCompletions',
    modelId: openAiModel,
    async call({ openai }, text) {
      const { data, response } = await openai.chat.completions
        .create({
          messages: user(text),
          model: openAiModel,
          prompt_cache_key: 'k',
          stream: true,
          stream_options: { include_usage: true },
        })
        .withResponse();
      await readAll(data);
      return idIn(response);
    },
  },
  {
    name: 'Responses',
    operation: 'Responses',
    modelId: 'openai.gpt-oss-120b-1:0',
    async call({ openai }, input) {
      const answer = openai.responses.create({ model: this.modelId, input, prompt_cache_key: 'k' });
      return idIn((await answer.withResponse()).response);
    },
  },
  {
    name: 'Responses, streamed',
    operation: 'Responses',
    modelId: 'openai.gpt-oss-120b-1:0',
    async call({ openai }, input) {
      const { data, response } = await openai.responses
        .create({ input, model: this.modelId, reasoning: { effort: 'high' }, stream: true })
        .withResponse();
      await readAll(data);
      return idIn(response);
    },
  },
  {
    name: 'Messages with caches',
    operation: 'Messages',
    modelId: PROFILE,
    async call({ anthropic }, text) {
      const system = [{ type: 'text' as const, text, cache_control: hour }];
      const answer = anthropic.messages.create({ model: PROFILE, ...BRIEFLY, system, messages: user('Hello') });
      return idIn((await answer.withResponse()).response);
    },
  },
  {
    name: 'Messages with compaction, streamed',
    operation: 'Messages',
    modelId: PROFILE,
    async call({ anthropic }, text) {
      const { data, response } = await anthropic.beta.messages
        .create({
          model: PROFILE,
          ...BRIEFLY,
          betas: ['compact-2026-01-12'],
          context_management: { edits: [{ type: 'compact_20260112' }] },
          messages: user(text),
          stream: true,
        })
        .withResponse();
      await readAll(data);
      return idIn(response);
    },
  },
  {
    name: 'Messages, streamed',
    operation: 'Messages',
    modelId: PROFILE,
    async call({ anthropic }, text) {
      const { data, response } = await anthropic.messages
        .create({ model: PROFILE, ...BRIEFLY, messages: user(text), stream: true })
        .withResponse();
      await readAll(data);
      return idIn(response);
    },
  },
];

export const MIXED_CALLS: readonly MixedCall[] = [
  ...conversing(PROFILE_ARN, true),
  ...conversing('amazon.nova-lite-v1:0', false),
  ...conversing('us.openai.gpt-5.6', true),
  ...invoked,
  ...invokedStreams,
  ...others,
];
