import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import { Anthropic } from '@anthropic-ai/sdk';
import { embed, generateText, streamText } from 'ai';
import { OpenAI } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { EXAMPLE_KEY, startBedrock, type BedrockEmulator } from './bedrock.ts';
import { signWithCrt } from './crt-signer.ts';
import { TEXT, TEXT_PIECES, type Tokens } from './tokens.ts';
import { modelId, openAiModel } from '../../support/models.ts';

const PROMPT = 'What is a signature?';

// With a Bedrock API key in the environment the clients would not sign.
vi.stubEnv('AWS_BEARER_TOKEN_BEDROCK', undefined);

let bedrock: BedrockEmulator;

beforeAll(async () => {
  // These clients talk to the emulator directly and send headers that a proxy would hold back.
  bedrock = await startBedrock({ strictHeaders: false });
});

beforeEach(() => bedrock.reset());

afterAll(() => bedrock.close());

/** A fetch that signs, for clients that can only send an API key. */
async function signedFetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : input);
  const body = Buffer.from(typeof init.body === 'string' ? init.body : '');
  const { method, rawHeaders } = await signWithCrt({
    method: init.method ?? 'GET',
    target: url.pathname + url.search,
    host: url.host,
    headers: [['content-type', 'application/json']],
    body,
    key: EXAMPLE_KEY,
    region: bedrock.region,
    service: 'bedrock',
    date: new Date(),
    hashHeader: true,
  });
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
  }
  return fetch(url, { method, headers, body, signal: init.signal ?? null });
}

function given(model = modelId): Tokens | undefined {
  return bedrock.usageGiven().byModel[model];
}

describe('openai', () => {
  const model = openAiModel;

  function client(): OpenAI {
    return new OpenAI({ baseURL: `${bedrock.url}/openai/v1`, apiKey: 'unused', maxRetries: 0, fetch: signedFetch });
  }

  it('chat completion', async () => {
    const answer = await client().chat.completions.create({ model, messages: [{ role: 'user', content: PROMPT }] });
    expect(answer.choices[0]).toMatchObject({ message: { role: 'assistant', content: TEXT }, finish_reason: 'stop' });
    expect(answer.usage).toMatchObject({
      prompt_tokens: given(model)?.inputTokens,
      completion_tokens: given(model)?.outputTokens,
    });
    expect(bedrock.requests[0]).toMatchObject({ operation: 'ChatCompletions', modelId: model });
  });

  it.each([true, false])('streamed chat completion, include_usage %s', async (includeUsage) => {
    const stream = await client().chat.completions.create({
      model,
      messages: [{ role: 'user', content: PROMPT }],
      stream: true,
      stream_options: { include_usage: includeUsage },
    });
    const chunks = await Array.fromAsync(stream);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(TEXT);
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(includeUsage ? given(model)?.outputTokens : undefined);
  });

  it('response', async () => {
    const answer = await client().responses.create({ model, input: PROMPT });
    expect(answer.output_text).toBe(TEXT);
    expect(answer.usage?.output_tokens).toBe(given(model)?.outputTokens);
  });

  it('streamed response', async () => {
    const events = await Array.fromAsync(await client().responses.create({ model, input: PROMPT, stream: true }));
    const deltas = events.flatMap((event) => (event.type === 'response.output_text.delta' ? [event.delta] : []));
    expect(deltas).toEqual(TEXT_PIECES);
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual([...events.keys()]);
    const last = events.at(-1);
    expect(last?.type === 'response.completed' && last.response.usage?.output_tokens).toBe(given(model)?.outputTokens);
  });
});

describe('anthropic', () => {
  const request = { model: modelId, max_tokens: 100, messages: [{ role: 'user', content: PROMPT }] } as const;

  function client(): Anthropic {
    return new Anthropic({ baseURL: `${bedrock.url}/anthropic`, apiKey: 'unused', maxRetries: 0, fetch: signedFetch });
  }

  it('message', async () => {
    const answer = await client().messages.create({ ...request, messages: [...request.messages] });
    expect(answer).toMatchObject({ content: [{ type: 'text', text: TEXT }], stop_reason: 'end_turn' });
    expect(answer.usage.input_tokens).toBe(given()?.inputTokens);
  });

  it('streamed message', async () => {
    const stream = client().messages.stream({ ...request, messages: [...request.messages] });
    expect(await stream.finalText()).toBe(TEXT);
    expect((await stream.finalMessage()).usage).toMatchObject({
      input_tokens: given()?.inputTokens,
      output_tokens: given()?.outputTokens,
    });
  });

  it('count tokens', async () => {
    const { input_tokens: tokens } = await client().messages.countTokens({
      model: modelId,
      messages: [...request.messages],
    });
    expect(tokens).toBeGreaterThan(0);
    expect(bedrock.requests[0]?.operation).toBe('CountMessageTokens');
  });
});

describe('@anthropic-ai/bedrock-sdk', () => {
  function client(): AnthropicBedrock {
    return new AnthropicBedrock({
      awsAccessKey: EXAMPLE_KEY.accessKeyId,
      awsSecretKey: EXAMPLE_KEY.secretAccessKey,
      awsRegion: bedrock.region,
      baseURL: bedrock.url,
      maxRetries: 0,
    });
  }

  it('message, with a raw colon in the path', async () => {
    const answer = await client().messages.create({
      model: modelId,
      max_tokens: 100,
      messages: [{ role: 'user', content: PROMPT }],
    });
    expect(answer.content).toEqual([{ type: 'text', text: TEXT }]);
    expect(bedrock.requests[0]).toMatchObject({ target: `/model/${modelId}/invoke`, operation: 'InvokeModel' });
  });

  it('streamed message', async () => {
    const stream = await client().messages.create({
      model: modelId,
      max_tokens: 100,
      messages: [{ role: 'user', content: PROMPT }],
      stream: true,
    });
    const events = await Array.fromAsync(stream);
    const texts = events.map((event) =>
      event.type === 'content_block_delta' && event.delta.type === 'text_delta' ? event.delta.text : '',
    );
    expect(texts.join('')).toBe(TEXT);
    expect(bedrock.requests[0]?.operation).toBe('InvokeModelWithResponseStream');
  });
});

describe('@ai-sdk/amazon-bedrock', () => {
  function provider(): ReturnType<typeof createAmazonBedrock> {
    return createAmazonBedrock({
      baseURL: bedrock.url,
      region: bedrock.region,
      accessKeyId: EXAMPLE_KEY.accessKeyId,
      secretAccessKey: EXAMPLE_KEY.secretAccessKey,
    });
  }

  it('text', async () => {
    const answer = await generateText({ model: provider()(modelId), prompt: PROMPT, maxRetries: 0 });
    expect(answer.text).toBe(TEXT);
    expect(answer.usage.outputTokens).toBe(given()?.outputTokens);
  });

  it('streamed text', async () => {
    const answer = streamText({ model: provider()(modelId), prompt: PROMPT, maxRetries: 0 });
    expect(await Array.fromAsync(answer.textStream)).toEqual(TEXT_PIECES);
    expect((await answer.usage).outputTokens).toBe(given()?.outputTokens);
  });

  it('embedding', async () => {
    const { embedding, usage } = await embed({
      model: provider().embedding('amazon.titan-embed-text-v2:0'),
      value: PROMPT,
      maxRetries: 0,
    });
    expect(embedding).toHaveLength(1024);
    expect(usage.tokens).toBe(given('amazon.titan-embed-text-v2:0')?.inputTokens);
  });
});
