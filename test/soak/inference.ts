import { openAiModel, pricedModel } from '../support/models.ts';
import type { Operation, Shape } from './operations.ts';

/** A model without caches. */
const NOVA = 'amazon.nova-lite-v1:0';

type Body = NonNullable<Operation['body']>;

const text = (number: number) => `What is a signature? ${'word '.repeat(number % 61)}`;

/** With part of it written to a cache where the model has one. */
const converse =
  (model: string): Body =>
  (number) => {
    const cache = model === pricedModel ? [{ cachePoint: { type: 'default' } }] : [];
    return JSON.stringify({ messages: [{ role: 'user', content: [{ text: text(number) }, ...cache] }] });
  };

const anthropic =
  (members: object): Body =>
  (number) => {
    const content = [{ type: 'text', text: text(number), cache_control: { type: 'ephemeral', ttl: '1h' } }];
    const messages = [{ role: 'user', content }];
    return JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 50, messages, ...members });
  };

const chat =
  (members: object = {}): Body =>
  (number) =>
    JSON.stringify({ model: openAiModel, messages: [{ role: 'user', content: text(number) }], ...members });

const response =
  (members: object = {}): Body =>
  (number) =>
    JSON.stringify({ model: openAiModel, input: text(number), ...members });

const STREAMED_CHAT = { stream: true, stream_options: { include_usage: true } };

const STREAMED_MESSAGES = spending(
  'Messages',
  '/anthropic/v1/messages',
  'events',
  anthropic({ model: pricedModel, stream: true }),
  'message_stop',
);

/** What calls a model and is told its tokens, by every family of routes, in every shape, on both hosts that do. */
export const INFERENCE: readonly Operation[] = [
  ...[pricedModel, NOVA].flatMap((model) => [
    spending('Converse', `/model/${model}/converse`, 'plain', converse(model)),
    spending('ConverseStream', `/model/${model}/converse-stream`, 'frames', converse(model), 'metadata'),
  ]),
  spending('InvokeModel', `/model/${pricedModel}/invoke`, 'plain', anthropic({})),
  spending(
    'InvokeModelWithResponseStream',
    `/model/${pricedModel}/invoke-with-response-stream`,
    'frames',
    anthropic({}),
    'amazon-bedrock-invocationMetrics',
  ),
  spending('Messages', '/anthropic/v1/messages', 'plain', anthropic({ model: pricedModel })),
  STREAMED_MESSAGES,
  unpriced('ChatCompletions', '/openai/v1/chat/completions', 'plain', chat()),
  unpriced('ChatCompletions', '/openai/v1/chat/completions', 'events', chat(STREAMED_CHAT), '[DONE]'),
  unpriced('Responses', '/openai/v1/responses', 'plain', response()),
  unpriced('Responses', '/openai/v1/responses', 'events', response({ stream: true }), 'response.completed'),
  onMantle(unpriced('ChatCompletions', '/v1/chat/completions', 'plain', chat())),
  onMantle(unpriced('ChatCompletions', '/openai/v1/chat/completions', 'events', chat(STREAMED_CHAT), '[DONE]')),
  onMantle(unpriced('Responses', '/v1/responses', 'events', response({ stream: true }), 'response.completed')),
  onMantle(STREAMED_MESSAGES),
];

function spending(name: string, path: string, shape: Shape, body: Body, last?: string): Operation {
  const frames = shape === 'frames' ? { exception: 'modelStreamErrorException' } : {};
  const common = { name, group: 'inference', method: 'POST', path, shape, body, spends: 'told', priced: true } as const;
  return { ...common, ...frames, ...(last === undefined ? {} : { last }) };
}

function unpriced(...parameters: Parameters<typeof spending>): Operation {
  return { ...spending(...parameters), priced: false };
}

function onMantle(operation: Operation): Operation {
  return { ...operation, group: 'mantle', path: `/mantle${operation.path}` };
}
