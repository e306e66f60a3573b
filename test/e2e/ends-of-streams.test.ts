import Anthropic from '@anthropic-ai/sdk';
import {
  BedrockRuntimeClient,
  ConverseStreamCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { defaultAnswer } from '../emulators/bedrock/answers.ts';
import { endEarly, splitAt } from '../emulators/bedrock/faults.ts';
import type { ReceivedRequest } from '../emulators/bedrock/received-request.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { ask } from '../support/chain-calls.ts';
import { modelId } from '../support/models.ts';
import { nextRecord } from '../support/records.ts';

let chain: Chain;
let aws: BedrockRuntimeClient;
let openai: OpenAI;
let anthropic: Anthropic;
beforeAll(async () => {
  chain = await startChain({});
  const key = chain.gateway.subscriptionKey;
  aws = new BedrockRuntimeClient(chain.clientConfig());
  openai = new OpenAI({ baseURL: `${chain.gateway.url}/openai/v1`, apiKey: key });
  anthropic = new Anthropic({ baseURL: `${chain.gateway.url}/anthropic`, apiKey: null, authToken: key });
});
afterAll(async () => {
  aws.destroy();
  await chain.close();
});
afterEach(() => chain.bedrock.reset());

const claude = JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 9, messages: [] });
const messages = [{ role: 'user' as const, content: 'hi' }];

/** Reads a stream with a client that has its default settings; throws what the client throws. */
const CLIENTS: Readonly<Record<string, () => Promise<unknown>>> = {
  ConverseStream: async () =>
    Array.fromAsync((await aws.send(new ConverseStreamCommand({ modelId, messages: [] }))).stream ?? []),
  InvokeModelWithResponseStream: async () =>
    Array.fromAsync((await aws.send(new InvokeModelWithResponseStreamCommand({ modelId, body: claude }))).body ?? []),
  Messages: async () =>
    Array.fromAsync(await anthropic.messages.create({ model: modelId, max_tokens: 9, messages, stream: true })),
  Responses: async () => Array.fromAsync(await openai.responses.create({ model: modelId, input: 'hi', stream: true })),
  ChatCompletions: async () =>
    Array.fromAsync(await openai.chat.completions.create({ model: modelId, messages, stream: true })),
};

const PATHS: Readonly<Record<string, string>> = {
  ConverseStream: `/model/${modelId}/converse-stream`,
  InvokeModelWithResponseStream: `/model/${modelId}/invoke-with-response-stream`,
  Messages: '/anthropic/v1/messages',
  Responses: '/openai/v1/responses',
  ChatCompletions: '/openai/v1/chat/completions',
};

/** Streams that end cleanly without their last event: all but so many of the events that come last. */
const EARLY: readonly (readonly [operation: string, missing: number])[] = [
  ['ConverseStream', 2],
  ['InvokeModelWithResponseStream', 1],
  ['Messages', 1],
  ['Responses', 1],
];

function allBut(missing: number) {
  return (request: ReceivedRequest, ...rest: [Parameters<ReturnType<typeof endEarly>>[1]]) =>
    endEarly(defaultAnswer(request).parts.length - missing)(request, ...rest);
}

describe('a stream that ends cleanly without its last event', () => {
  it.each(EARLY)('raises in the client of %s, and is asked for once', async (operation, missing) => {
    const record = nextRecord(chain.host, (each) => each['operation'] === operation && each['status'] === 200);
    chain.bedrock.answer(allBut(missing));
    await expect(CLIENTS[operation]?.()).rejects.toThrow('Bedrock ended the stream before its last event.');
    expect(await record).toMatchObject({ outcome: 'upstreamBroke', errorSource: 'bedrock' });
    expect(chain.bedrock.requests).toHaveLength(1);
  });

  it.each(EARLY)('that is there is whole: %s', async (operation, missing) => {
    const record = nextRecord(chain.host, (each) => each['operation'] === operation && each['outcome'] === 'complete');
    chain.bedrock.answer(allBut(missing - 1));
    await CLIENTS[operation]?.();
    expect(await record).toMatchObject({ status: 200 });
  });

  it('for a model or a route whose end is not known stays what it was', async () => {
    chain.bedrock.answer(allBut(1));
    await CLIENTS['ChatCompletions']?.();
    const nova = await ask(chain, '/model/amazon.nova-lite-v1:0/invoke-with-response-stream', {
      body: '{"messages":[],"schemaVersion":"messages-v1"}',
    });
    chain.bedrock.answer(allBut(1));
    const cut = await ask(chain, '/model/amazon.nova-lite-v1:0/invoke-with-response-stream', {
      body: '{"messages":[],"schemaVersion":"messages-v1"}',
    });
    expect(cut.body.length).toBeLessThan(nova.body.length);
    expect(nova.body.subarray(0, cut.body.length).equals(cut.body)).toBe(true);
  });

  it('without any event: a status', async () => {
    chain.bedrock.answer(endEarly(0));
    const answer = await ask(chain, PATHS['ConverseStream'] ?? '', { body: '{"messages":[]}' });
    expect(answer).toMatchObject({ status: 503, headers: { 'x-amzn-errortype': 'ServiceUnavailableException' } });
  });

  it('an event without its empty line is not what it was: no half event stands before the error', async () => {
    const events = 'event: message_start\ndata: {"type":"message_start","message":{}}\n\n';
    chain.bedrock.answer(splitAt(1000, Buffer.from(`${events}event: x\ndata: {"type":"x"`), SSE));
    const { body, complete } = await ask(chain, '/anthropic/v1/messages', { body: { model: modelId, stream: true } });
    const error = { type: 'api_error', message: 'Bedrock ended the stream before its last event.' };
    expect(String(body)).toBe(`${events}event: error\ndata: ${JSON.stringify({ type: 'error', error })}\n\n`);
    expect(complete).toBe(true);
  });
});

const SSE = { 'content-type': 'text/event-stream' };

describe('the end of a stream that broke', () => {
  /** Sends these bytes, and then breaks the connection. */
  const breakBehind = (text: string) =>
    chain.bedrock.answer(async (_request, response) => {
      response.writeHead(200, SSE);
      await new Promise<void>((resolve) => {
        response.write(text, () => resolve());
      });
      response.destroy();
    });

  it('chat completions: the error, and then a broken connection', async () => {
    breakBehind('data: {"choices":[]}\n\n');
    const { body, complete } = await ask(chain, '/openai/v1/chat/completions', { body: { model: modelId } });
    const message = 'The connection to Bedrock failed.';
    const error = { message, type: 'server_error', code: 'ServiceUnavailableException', param: null };
    expect(String(body)).toBe(`data: {"choices":[]}\n\ndata: ${JSON.stringify({ error })}\n\n`);
    expect(complete).toBe(false);
  });

  it('responses: the error in both forms, numbered, and a clean end', async () => {
    const begun = 'event: response.created\ndata: {"type":"response.created","sequence_number":7}\n\n';
    breakBehind(begun);
    const { body, complete } = await ask(chain, '/openai/v1/responses', { body: { model: modelId } });
    const text = { code: 'ServiceUnavailableException', message: 'The connection to Bedrock failed.', param: null };
    const error = { message: text.message, type: 'server_error', code: text.code, param: null };
    const data = { type: 'error', ...text, sequence_number: 8, error };
    expect(String(body)).toBe(`${begun}event: error\ndata: ${JSON.stringify(data)}\n\n`);
    expect(complete).toBe(true);
  });

  it.each(Object.keys(CLIENTS))('raises in the client of %s', async (operation) => {
    chain.bedrock.answer(async (request, response) => {
      const { status, headers, parts } = defaultAnswer(request);
      response.writeHead(status, headers);
      await new Promise<void>((resolve) => {
        response.write(Buffer.concat(parts.slice(0, 3)), () => resolve());
      });
      response.destroy();
    });
    await expect(CLIENTS[operation]?.()).rejects.toThrow('The connection to Bedrock failed.');
    expect(chain.bedrock.requests).toHaveLength(1);
  });
});
