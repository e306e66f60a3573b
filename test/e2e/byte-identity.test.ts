import { gzipSync } from 'node:zlib';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { RUNTIME } from '../../src/bedrock/runtime.ts';
import {
  errorAnswer,
  EVENT_STREAM,
  plain,
  SERVER_SENT_EVENTS,
  streamed,
  writeParts,
} from '../emulators/bedrock/answer.ts';
import { defaultAnswer } from '../emulators/bedrock/answers.ts';
import { AwsError } from '../emulators/bedrock/aws-error.ts';
import { encodeEvent } from '../emulators/bedrock/frames.ts';
import type { Responder } from '../emulators/bedrock/received-request.ts';
import { end, writeHeaders } from '../emulators/bedrock/wire.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { call } from '../support/chain-calls.ts';
import { modelId, openAiModel as model } from '../support/models.ts';
import type { RequestRecord } from '../support/records.ts';
import { cut } from '../support/usage-feed.ts';

// Every answer is read for its tokens while it goes by. What a client gets is nevertheless, byte for byte, what Bedrock
// sent, in whatever pieces.

const MODEL = `/model/${encodeURIComponent(modelId)}`;
const anthropic = { anthropic_version: 'bedrock-2023-05-31', cache_control: { type: 'ephemeral', ttl: '1h' } };
const usage = { stream_options: { include_usage: true } };

/** An answer of every operation, and of every shape that some operation has. */
const CALLS: readonly (readonly [name: string, operation: string, path: string, body: object | undefined])[] = [
  ['Converse', 'Converse', `${MODEL}/converse`, { cachePoint: {} }],
  ['ConverseStream', 'ConverseStream', `${MODEL}/converse-stream`, { cachePoint: {} }],
  ['Anthropic', 'InvokeModel', `${MODEL}/invoke`, anthropic],
  ['Nova', 'InvokeModel', `${MODEL}/invoke`, { messages: [] }],
  ['Llama', 'InvokeModel', `${MODEL}/invoke`, { prompt: 'x' }],
  ['Mistral', 'InvokeModel', `${MODEL}/invoke`, { prompt: 'x', max_tokens: 9 }],
  ['Cohere', 'InvokeModel', `${MODEL}/invoke`, { message: 'x' }],
  ['Cohere embeddings', 'InvokeModel', `${MODEL}/invoke`, { texts: ['x'] }],
  ['Titan embeddings', 'InvokeModel', `${MODEL}/invoke`, { inputText: 'x', dimensions: 64 }],
  ['a model of another kind', 'InvokeModel', `${MODEL}/invoke`, { usage: { input_tokens: 'many' } }],
  ['streamed Anthropic', 'InvokeModelWithResponseStream', `${MODEL}/invoke-with-response-stream`, anthropic],
  ['streamed Nova', 'InvokeModelWithResponseStream', `${MODEL}/invoke-with-response-stream`, { messages: [] }],
  ['streamed Llama', 'InvokeModelWithResponseStream', `${MODEL}/invoke-with-response-stream`, { prompt: 'x' }],
  ['streamed Cohere', 'InvokeModelWithResponseStream', `${MODEL}/invoke-with-response-stream`, { message: 'x' }],
  [
    'a streamed model of another kind',
    'InvokeModelWithResponseStream',
    `${MODEL}/invoke-with-response-stream`,
    { a: 1 },
  ],
  ['chat', 'ChatCompletions', '/openai/v1/chat/completions', { model, messages: [] }],
  ['streamed chat', 'ChatCompletions', '/openai/v1/chat/completions', { model, messages: [], stream: true, ...usage }],
  ['streamed chat without usage', 'ChatCompletions', '/openai/v1/chat/completions', { model, stream: true }],
  ['response', 'Responses', '/openai/v1/responses', { model, input: 'x' }],
  ['streamed response', 'Responses', '/openai/v1/responses', { model, input: 'x', stream: true }],
  ['message', 'Messages', '/anthropic/v1/messages', { model, messages: [] }],
  ['streamed message', 'Messages', '/anthropic/v1/messages', { model, messages: [], stream: true }],
  ['CountTokens', 'CountTokens', `${MODEL}/count-tokens`, { input: {} }],
  ['CountMessageTokens', 'CountMessageTokens', '/anthropic/v1/messages/count_tokens', { model, messages: [] }],
  ['ApplyGuardrail', 'ApplyGuardrail', '/guardrail/g/version/1/apply', { source: 'INPUT', content: [] }],
  ['InvokeGuardrailChecks', 'InvokeGuardrailChecks', '/guardrail-checks/invoke', { messages: [] }],
  [
    'StartAsyncInvoke',
    'StartAsyncInvoke',
    '/async-invoke',
    { modelId: 'amazon.nova-reel-v1:0', modelInput: {}, outputDataConfig: { s3OutputDataConfig: { s3Uri: 's3://b' } } },
  ],
  [
    'GetAsyncInvoke',
    'GetAsyncInvoke',
    `/async-invoke/${encodeURIComponent('arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdef012345')}`,
    undefined,
  ],
  ['ListAsyncInvokes', 'ListAsyncInvokes', '/async-invoke', undefined],
  ['stored response, read', 'GetResponse', '/openai/v1/responses/resp_1', undefined],
  ['stored response, deleted', 'DeleteResponse', '/openai/v1/responses/resp_1', undefined],
  ['stored response, cancelled', 'CancelResponse', '/openai/v1/responses/resp_1/cancel', undefined],
];

let chain: Chain;
beforeAll(async () => {
  chain = await startChain();
});
afterAll(() => chain.close());

/** Sends what `source` makes of the request in pieces of `size` bytes, and keeps it. */
function sending(source: typeof defaultAnswer, size: number): { responder: Responder; sent(): Buffer } {
  let bytes = Buffer.alloc(0);
  return {
    sent: () => bytes,
    responder: async (request, response) => {
      const { status, headers, parts } = source(request);
      bytes = Buffer.concat(parts);
      response.socket?.setNoDelay(true);
      await writeHeaders(response, status, headers);
      await writeParts(response, cut(bytes, size), 0);
      await end(response);
    },
  };
}

/** Larger than any answer. */
const WHOLE = 1e9;

interface Exchanged {
  readonly status: number;
  readonly sent: Buffer;
  readonly received: Buffer;
  readonly record: RequestRecord;
}

async function exchange(
  source: typeof defaultAnswer,
  size: number,
  path: string,
  body?: object,
  method = 'POST',
): Promise<Exchanged> {
  const { responder, sent } = sending(source, size);
  chain.bedrock.answer(responder);
  const { answer, record } = await call(chain, path, { method, body: body ?? null });
  return { status: answer.status, sent: sent(), received: answer.body, record };
}

it('every operation is here', () => {
  const names = RUNTIME.operations.filter(({ unsupported }) => unsupported === undefined).map(({ name }) => name);
  expect(new Set(CALLS.map(([, operation]) => operation))).toStrictEqual(new Set(names));
});

describe.each(CALLS)('%s', (name, operation, path, body) => {
  it.each([1, 7, 61, 1021, WHOLE])('in pieces of %d', async (size) => {
    const method = RUNTIME.operations.find((row) => row.name === operation)?.method;
    const { status, sent, received, record } = await exchange(defaultAnswer, size, path, body, method);
    expect(status).toBe(200);
    expect(sent.length).toBeGreaterThan(0);
    expect(received.equals(sent)).toBe(true);
    expect(record).toMatchObject({ operation, outcome: 'complete', responseBytes: sent.length });
    // The meter was at work all the while.
    const told = 'totalTokens' in record || 'countedInputTokens' in record;
    const tells = !/Guardrail|Async|of another kind|without usage|stored/.test(name);
    expect(told).toBe(tells);
  });
});

describe('what cannot be read passes all the same', () => {
  const modelName = 'usage';
  const ANSWERS: readonly (readonly [string, string, typeof defaultAnswer])[] = [
    ['a body that is no JSON', `${MODEL}/converse`, () => plain(Buffer.from('{"usage":{"inputTokens":1'))],
    ['a body of 3 MB', `${MODEL}/converse`, () => plain({ usage: { inputTokens: 1 }, text: 'x'.repeat(3_000_000) })],
    [
      'a compressed body',
      `${MODEL}/converse`,
      () => plain(gzipSync('{"usage":{"inputTokens":1}}'), { 'content-encoding': 'gzip' }),
    ],
    [
      'compressed events',
      '/openai/v1/chat/completions',
      () => streamed([gzipSync('data: {}\n\n')], { ...SERVER_SENT_EVENTS, 'content-encoding': 'gzip' }),
    ],
    [
      'messages with payloads of another kind',
      `${MODEL}/converse-stream`,
      () => streamed([encodeEvent('metadata', modelName), encodeEvent('chunk', { bytes: '=' })], EVENT_STREAM),
    ],
    [
      'a message of 3 MB',
      `${MODEL}/converse-stream`,
      () => streamed([encodeEvent('metadata', { trace: 'x'.repeat(3_000_000) })], EVENT_STREAM),
    ],
    [
      'events that are no JSON',
      '/anthropic/v1/messages',
      () => streamed([Buffer.from(': \0\r\rdata: {"usage":{\r\n\r\nusage\n\n"usage":{')], SERVER_SENT_EVENTS),
    ],
    ['an error', `${MODEL}/converse`, () => errorAnswer(new AwsError(429, 'ThrottlingException', 'Slow down.'))],
    [
      'an error without a type',
      '/openai/v1/responses',
      () => ({ ...plain({ error: { type: 'invalid_request_error', message: 'no' } }), status: 400 }),
    ],
  ];

  it.each(ANSWERS)('%s', async (_name, path, source) => {
    for (const size of [1021, WHOLE]) {
      const { sent, received, record } = await exchange(source, size, path, {});
      expect(received.equals(sent)).toBe(true);
      expect(record).toMatchObject({ outcome: 'complete', responseBytes: sent.length });
      expect(record).not.toHaveProperty('totalTokens');
      expect('usageUnknown' in record || 'errorType' in record).toBe(true);
    }
  });

  it('any bytes, as a body and as events', async () => {
    const forms = fc.constantFrom({ 'content-type': 'application/json' }, SERVER_SENT_EVENTS, {});
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 3000 }), forms, async (bytes, headers) => {
        // With an event behind them: a stream without any has been cut.
        const source = () => streamed([Buffer.from(bytes), Buffer.from('\n\ndata: {}\n\n')], headers);
        const { sent, received } = await exchange(source, 61, '/anthropic/v1/messages', {});
        expect(received.equals(sent)).toBe(true);
      }),
      { seed: 1, numRuns: 60 },
    );
  });
});
