import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { RUNTIME } from '../../src/bedrock/runtime.ts';
import { plain, sendAnswer } from '../emulators/bedrock/answer.ts';
import { defaultAnswer } from '../emulators/bedrock/answers.ts';
import { cutAt, exceptionFrame, fail, slowly } from '../emulators/bedrock/faults.ts';
import type { Responder } from '../emulators/bedrock/received-request.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { call } from '../support/chain-calls.ts';
import { modelId } from '../support/models.ts';

const SUBSCRIPTIONS = [{ id: 'team-a', name: 'Équipe A', key: 'key-a', productId: 'assistants', userId: 'u1' }];

let chain: Chain;
beforeAll(async () => {
  chain = await startChain({ subscriptions: SUBSCRIPTIONS });
});
afterAll(() => chain.close());

/** The record of a call with this body. */
async function recordOf(path: string, body: object) {
  return (await call(chain, path, { body })).record;
}

describe('one record a request', () => {
  const messages = [{ role: 'user', content: [{ text: 'hello' }] }];
  const chat = { model: modelId, max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] };

  it.each([
    ['Converse', `/model/${modelId}/converse`, { messages }, 'body'],
    ['ConverseStream', `/model/${modelId}/converse-stream`, { messages }, 'stream'],
    ['InvokeModel', `/model/${modelId}/invoke`, { ...chat, anthropic_version: 'bedrock-2023-05-31' }, 'headers'],
    [
      'InvokeModelWithResponseStream',
      `/model/${modelId}/invoke-with-response-stream`,
      { ...chat, anthropic_version: 'bedrock-2023-05-31' },
      'stream',
    ],
    ['ChatCompletions', '/openai/v1/chat/completions', chat, 'body'],
    ['Messages', '/anthropic/v1/messages', { ...chat, stream: true }, 'stream'],
  ])('%s tells caller, times and tokens', async (operation, path, body, usageSource) => {
    const record = await recordOf(path, body);
    expect(record).toMatchObject({
      operation,
      subscriptionId: 'team-a',
      subscriptionName: 'Équipe A',
      productId: 'assistants',
      userId: 'u1',
      status: 200,
      outcome: 'complete',
      attempts: 1,
      usageSource,
      streamed: usageSource === 'stream',
    });
    for (const name of ['inputTokens', 'outputTokens', 'totalTokens', 'durationMs', 'headersMs', 'firstByteMs']) {
      expect(record[name], name).toBeGreaterThan(0);
    }
    expect(record['firstTokenMs'] !== undefined).toBe(usageSource === 'stream');
    expect(JSON.stringify(record)).not.toContain('hello');
  });

  it('CountTokens uses none', async () => {
    const record = await recordOf(`/model/${modelId}/count-tokens`, { input: { converse: { messages } } });
    expect(record['countedInputTokens']).toBeGreaterThan(0);
    expect(record).not.toHaveProperty('inputTokens');
  });

  it('a stream that was cut tells what is known, and that it was cut', async () => {
    chain.bedrock.answer(cutAt(1500));
    const record = await recordOf(`/model/${modelId}/converse-stream`, { messages });
    expect(record).toMatchObject({ outcome: 'upstreamBroke', errorSource: 'bedrock', usageUnknown: 'cut' });
  });

  it.each([
    ['an event stream', `/model/${modelId}/invoke-with-response-stream`, { anthropic_version: 'bedrock-2023-05-31' }],
    ['server-sent events', '/anthropic/v1/messages', { model: modelId, stream: true }],
  ])('%s of Anthropic that was cut: its input is known, and how far it got', async (_name, path, body) => {
    chain.bedrock.answer(cutAt(1500));
    const record = await recordOf(path, body);
    expect(record).toMatchObject({ outcome: 'upstreamBroke', usagePartial: true, inputTokens: expect.any(Number) });
    expect(record['responseEvents']).toBeGreaterThan(2);
    expect(record['responseBytes']).toBeLessThanOrEqual(1500);
    expect(record).not.toHaveProperty('totalTokens');
    expect(record).not.toHaveProperty('outputTokensPerSecond');
  });

  it('how fast a stream came, and in how many events', async () => {
    chain.bedrock.answer(slowly(defaultAnswer, 400, 5));
    const record = await recordOf(`/model/${modelId}/converse-stream`, { messages });
    expect(record).toMatchObject({ responseEvents: 14, outputTokens: 51 });
    // The last byte is sent before the end, which the record also tells.
    const seconds = (Number(record['durationMs']) - Number(record['firstTokenMs'])) / 1000;
    expect(record['outputTokensPerSecond']).toBeGreaterThanOrEqual(Math.floor(50 / seconds));
    expect(record['outputTokensPerSecond']).toBeLessThanOrEqual(50 / 0.01);
  });

  it.each([
    ['an inference profile', `us.${modelId}`, 'inference-profile', modelId],
    ['a foundation model', modelId, 'foundation-model', modelId],
    [
      'an opaque ARN',
      'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6',
      'application-inference-profile',
      undefined,
    ],
  ])('%s: the model as asked, and what is behind it', async (_name, asked, modelType, foundationModelId) => {
    const record = await recordOf(`/model/${encodeURIComponent(asked)}/converse`, { messages });
    expect(record).toMatchObject({ modelId: asked, modelType });
    expect(record['foundationModelId']).toBe(foundationModelId);
  });

  it.each(['ChatCompletions', 'Responses', 'Messages', 'CountMessageTokens', 'StartAsyncInvoke'])(
    '%s: the model that the body names, also when Bedrock refuses',
    async (name) => {
      const { template = '', modelMember = '' } = RUNTIME.operations.find((operation) => operation.name === name) ?? {};
      chain.bedrock.answer(fail(429, 'ThrottlingException', 'Slow down.'));
      const record = await recordOf(template, {
        messages: [{ model: 'x' }],
        [modelMember]: `us.${modelId}`,
        tools: [],
      });
      expect(record).toMatchObject({
        modelId: `us.${modelId}`,
        foundationModelId: modelId,
        status: 429,
        outcome: 'complete',
        errorType: 'ThrottlingException',
        errorSource: 'bedrock',
      });
      expect(record).not.toHaveProperty('usageUnknown');
    },
  );

  it('text in the place of a model is not recorded', async () => {
    const record = await recordOf('/openai/v1/chat/completions', { model: 'the patient was told', messages: [] });
    expect(JSON.stringify(record)).not.toContain('patient');
  });

  it.each<[string, string, Responder, string]>([
    ['an exception', 'ThrottlingException', exceptionFrame('throttlingException', 'Slow down.'), 'converse-stream'],
    [
      'an error without a header that tells its type',
      'invalid_request_error',
      (_request, response) =>
        sendAnswer(response, { ...plain({ error: { type: 'invalid_request_error', message: 'no' } }), status: 400 }),
      'converse',
    ],
  ])('%s: the record has its type', async (_name, errorType, responder, operation) => {
    chain.bedrock.answer(responder);
    const record = await recordOf(`/model/${modelId}/${operation}`, { messages });
    expect(record).toMatchObject({ errorType, errorSource: 'bedrock', outcome: 'complete' });
  });

  const made = 'made.up-1';
  it.each([
    ['twice', 'ChatCompletions', `{"model":"${made}","max_tokens":9,"messages":[],"model":"${modelId}"}`],
    ['twice, once escaped', 'ChatCompletions', `{"model":"${made}","messages":[],"mode\\u006c":"${modelId}"}`],
    ['twice, to Messages', 'Messages', `{"model":"${made}","max_tokens":9,"messages":[],"model":"${modelId}"}`],
  ])('a model that a body names %s is the one that has worked', async (_name, name, body) => {
    const { template = '' } = RUNTIME.operations.find((operation) => operation.name === name) ?? {};
    expect((await call(chain, template, { body: Buffer.from(body) })).record).toMatchObject({
      status: 200,
      modelId,
      responseModel: modelId,
    });
  });

  it.each([
    ['in a header', { 'x-amzn-errortype': 'UnknownOperationException' }, { message: 'no' }],
    ['in the body', {}, { Output: { __type: 'com.amazon.coral.service#UnknownOperationException' }, Version: '1.0' }],
  ])(
    'an error of AWS’s that comes with 200, told %s, is passed on and a failure of Bedrock’s',
    async (_name, headers, body) => {
      chain.bedrock.answer((_request, response) => sendAnswer(response, plain(body, headers)));
      const { answer, record } = await call(chain, `/model/${modelId}/converse`, { body: { messages } });
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body.toString())).toStrictEqual(body);
      expect(record).toMatchObject({
        status: 200,
        outcome: 'complete',
        errorType: 'UnknownOperationException',
        errorSource: 'bedrock',
      });
      expect(record).not.toHaveProperty('usageUnknown');
    },
  );

  it.each([
    ['Converse', `/model/${modelId}/converse`, { messages }, 'end_turn'],
    ['ConverseStream', `/model/${modelId}/converse-stream`, { messages }, 'end_turn'],
    ['InvokeModel', `/model/${modelId}/invoke`, { ...chat, anthropic_version: 'x' }, 'end_turn'],
    ['InvokeModelWithResponseStream, Nova', `/model/${modelId}/invoke-with-response-stream`, { messages }, 'end_turn'],
    ['ChatCompletions, streamed', '/openai/v1/chat/completions', { ...chat, stream: true }, 'stop'],
    ['Responses', '/openai/v1/responses', { model: modelId, input: 'hello' }, 'completed'],
    ['Messages, streamed', '/anthropic/v1/messages', { ...chat, stream: true }, 'end_turn'],
  ])('%s: why the model stopped', async (_name, path, body, stopReason) => {
    expect(await recordOf(path, body)).toMatchObject({ stopReason, outcome: 'complete' });
  });

  it.each([
    [
      'Converse',
      `/model/${modelId}/converse`,
      { messages, serviceTier: { type: 'flex' }, performanceConfig: { latency: 'optimized' } },
      {},
    ],
    [
      'ConverseStream',
      `/model/${modelId}/converse-stream`,
      { messages, serviceTier: { type: 'flex' }, performanceConfig: { latency: 'optimized' } },
      {},
    ],
    [
      'InvokeModel',
      `/model/${modelId}/invoke`,
      { ...chat, anthropic_version: 'x' },
      { 'x-amzn-bedrock-service-tier': 'flex', 'x-amzn-bedrock-performanceconfig-latency': 'optimized' },
    ],
  ])('%s: tier and latency mode, as the answer has them', async (_name, path, body, headers) => {
    const { record } = await call(chain, path, { body, headers });
    expect(record).toMatchObject({ serviceTier: 'flex', latencyMode: 'optimized' });
  });

  it('ApplyGuardrail: what the guardrail did', async () => {
    const content = [{ text: { text: 'hello' } }];
    const record = await recordOf('/guardrail/abcdef/version/1/apply', { source: 'INPUT', content });
    expect(record).toMatchObject({ operation: 'ApplyGuardrail', guardrailAction: 'NONE' });
    expect(Object.keys(record).filter((name) => /usage|Tokens/.test(name))).toStrictEqual([]);
  });

  it('a refusal has neither tokens nor a guess at them', async () => {
    const record = await recordOf('/model/a%20b/converse', {});
    expect(record).toMatchObject({ outcome: 'refused', errorSource: 'client', errorType: 'ValidationException' });
    expect(Object.keys(record).filter((name) => /token|usage/i.test(name))).toStrictEqual([]);
  });
});
