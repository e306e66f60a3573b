import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import Anthropic, { RateLimitError } from '@anthropic-ai/sdk';
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { fail, stall } from '../emulators/bedrock/faults.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { modelId, openAiModel } from '../support/models.ts';
import { DEADLINES_BY_HAND, passDeadlines } from '../support/worker-deadlines.ts';

const profile = 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-5-haiku-20241022-v1:0';
const messages = [{ role: 'user' as const, content: 'What is a signature?' }];

let chain: Chain;
/** One that gives up on a Bedrock that has fallen silent when a test says so. */
let attentive: Chain;
beforeAll(async () => {
  const settings = { UPSTREAM_IDLE_TIMEOUT_SECONDS: '200' };
  [chain, attentive] = await Promise.all([startChain(), startChain({ settings, nodeArguments: DEADLINES_BY_HAND })]);
});
afterAll(() => Promise.all([chain.close(), attentive.close()]));
afterEach(() => chain.bedrock.reset());

function expectVerified(operation: string) {
  expect(chain.bedrock.requests.length).toBeGreaterThan(0);
  for (const request of chain.bedrock.requests) expect(request).toMatchObject({ operation, verified: true });
}

describe('@anthropic-ai/bedrock-sdk', () => {
  const client = () =>
    new AnthropicBedrock({
      baseURL: chain.gateway.url,
      awsRegion: 'us-east-1',
      skipAuth: true,
      defaultHeaders: { 'api-key': chain.gateway.subscriptionKey },
      maxRetries: 0,
    });

  it.each([modelId, profile])('messages of %s', async (model) => {
    const answer = await client().messages.create({ model, max_tokens: 50, messages });
    expect(answer.content[0]).toMatchObject({ type: 'text' });
    expectVerified('InvokeModel');
  });

  it('a stream', async () => {
    const events = await Array.fromAsync(
      await client().messages.create({ model: modelId, max_tokens: 50, messages, stream: true }),
    );
    expect(events.at(0)?.type).toBe('message_start');
    expect(events.at(-1)?.type).toBe('message_stop');
    expectVerified('InvokeModelWithResponseStream');
  });

  it('an error', async () => {
    chain.bedrock.answer(fail(429, 'ThrottlingException', 'Slow down.'));
    await expect(client().messages.create({ model: modelId, max_tokens: 50, messages })).rejects.toBeInstanceOf(
      RateLimitError,
    );
  });
});

describe('@anthropic-ai/sdk on the Anthropic route', () => {
  const client = ({ gateway } = chain) =>
    new Anthropic({
      baseURL: `${gateway.url}/anthropic`,
      apiKey: null,
      authToken: gateway.subscriptionKey,
      maxRetries: 0,
    });

  it('messages and token counts', async () => {
    const answer = await client().messages.create({ model: modelId, max_tokens: 50, messages });
    expect(answer.content[0]).toMatchObject({ type: 'text' });
    expectVerified('Messages');
    chain.bedrock.reset();
    expect((await client().messages.countTokens({ model: modelId, messages })).input_tokens).toBeGreaterThan(0);
    expectVerified('CountMessageTokens');
  });

  it('a stream', async () => {
    const text = await client().messages.stream({ model: modelId, max_tokens: 50, messages }).finalText();
    expect(text).toMatch(/\w/);
  });

  it('a stream that breaks raises', async () => {
    attentive.bedrock.answer(stall('midBody'));
    const stream = await client(attentive).messages.create({ model: modelId, max_tokens: 50, messages, stream: true });
    // It has begun.
    await passDeadlines(attentive.host);
    await expect(Array.fromAsync(stream)).rejects.toThrow('Bedrock');
  });
});

describe('@ai-sdk/amazon-bedrock', () => {
  const model = (id: string) =>
    createAmazonBedrock({ baseURL: chain.gateway.url, region: 'us-east-1', apiKey: chain.gateway.subscriptionKey })(id);

  it.each([modelId, profile])('generateText with %s', async (id) => {
    const { text, usage } = await generateText({ model: model(id), prompt: 'What is a signature?', maxRetries: 0 });
    expect(text).toMatch(/\w/);
    expect(usage.totalTokens).toBeGreaterThan(0);
    expectVerified('Converse');
  });

  it('streamText', async () => {
    const { textStream } = streamText({ model: model(modelId), prompt: 'What is a signature?', maxRetries: 0 });
    expect((await Array.fromAsync(textStream)).length).toBeGreaterThan(1);
    expectVerified('ConverseStream');
  });
});

describe('openai', () => {
  const client = ({ gateway } = chain) =>
    new OpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey: gateway.subscriptionKey, maxRetries: 0 });
  const model = openAiModel;

  it('chat completions', async () => {
    const answer = await client().chat.completions.create({ model, messages });
    expect(answer.choices[0]?.message.content).toMatch(/\w/);
    expectVerified('ChatCompletions');
  });

  it('a stream of chat completions', async () => {
    const chunks = await Array.fromAsync(await client().chat.completions.create({ model, messages, stream: true }));
    expect(chunks.length).toBeGreaterThan(1);
  });

  it('a stream that breaks raises', async () => {
    attentive.bedrock.answer(stall('midBody'));
    const stream = await client(attentive).chat.completions.create({ model, messages, stream: true });
    // It has begun.
    await passDeadlines(attentive.host);
    await expect(Array.fromAsync(stream)).rejects.toThrow('Bedrock');
  });

  it('responses, whole and streamed', async () => {
    expect((await client().responses.create({ model, input: 'hello' })).output_text).toMatch(/\w/);
    const events = await Array.fromAsync(await client().responses.create({ model, input: 'hello', stream: true }));
    expect(events.at(-1)?.type).toBe('response.completed');
    expectVerified('Responses');
  });
});
