import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { RUNTIME } from '../../src/bedrock/runtime.ts';
import { plain, sendAnswer } from '../emulators/bedrock/answer.ts';
import { defaultAnswer } from '../emulators/bedrock/answers.ts';
import { cutAt, exceptionFrame, fail, slowly } from '../emulators/bedrock/faults.ts';
import type { Responder } from '../emulators/bedrock/received-request.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { nextRecord } from '../support/records.ts';

const SUBSCRIPTIONS = [{ id: 'team-a', name: 'Équipe A', key: 'key-a', productId: 'assistants', userId: 'u1' }];
const MODEL = 'anthropic.claude-3-haiku-20240307-v1:0';

let chain: Chain;
beforeAll(async () => {
  chain = await startChain({ subscriptions: SUBSCRIPTIONS });
});
afterAll(() => chain.close());

function call(path: string, body: unknown, key = 'key-a') {
  return fetch(chain.gateway.url + path, {
    method: 'POST',
    headers: { 'api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Calls, reads the answer to its end, and returns the record of that call. */
async function recordOf(path: string, body: unknown) {
  const answer = await call(path, body);
  const requestId = answer.headers.get('x-ms-invocation-id');
  const record = nextRecord(chain.host, (candidate) => candidate['requestId'] === requestId);
  await answer.arrayBuffer().catch(() => undefined);
  return record;
}

describe('one record a request', () => {
  const messages = [{ role: 'user', content: [{ text: 'hello' }] }];
  const chat = { model: MODEL, max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] };

  it.each([
    ['Converse', `/model/${MODEL}/converse`, { messages }, 'body'],
    ['ConverseStream', `/model/${MODEL}/converse-stream`, { messages }, 'stream'],
    ['InvokeModel', `/model/${MODEL}/invoke`, { ...chat, anthropic_version: 'bedrock-2023-05-31' }, 'headers'],
    [
      'InvokeModelWithResponseStream',
      `/model/${MODEL}/invoke-with-response-stream`,
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
    const record = await recordOf(`/model/${MODEL}/count-tokens`, { input: { converse: { messages } } });
    expect(record['countedInputTokens']).toBeGreaterThan(0);
    expect(record).not.toHaveProperty('inputTokens');
  });

  it('a stream that was cut tells what is known, and that it was cut', async () => {
    chain.bedrock.answer(cutAt(1500));
    const record = await recordOf(`/model/${MODEL}/converse-stream`, { messages });
    expect(record).toMatchObject({ outcome: 'upstreamBroke', errorSource: 'bedrock', usageUnknown: 'cut' });
  });

  it.each([
    ['an event stream', `/model/${MODEL}/invoke-with-response-stream`, { anthropic_version: 'bedrock-2023-05-31' }],
    ['server-sent events', '/anthropic/v1/messages', { model: MODEL, stream: true }],
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
    const record = await recordOf(`/model/${MODEL}/converse-stream`, { messages });
    expect(record).toMatchObject({ responseEvents: 14, outputTokens: 51 });
    // The last byte is sent before the end, which the record also tells.
    const seconds = (Number(record['durationMs']) - Number(record['firstTokenMs'])) / 1000;
    expect(record['outputTokensPerSecond']).toBeGreaterThanOrEqual(Math.floor(50 / seconds));
    expect(record['outputTokensPerSecond']).toBeLessThanOrEqual(50 / 0.01);
  });

  it.each([
    ['an inference profile', `us.${MODEL}`, 'inference-profile', MODEL],
    ['a foundation model', MODEL, 'foundation-model', MODEL],
    [
      'an opaque ARN',
      'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6',
      'application-inference-profile',
      undefined,
    ],
  ])('%s: the model as asked, and what is behind it', async (_name, modelId, modelType, foundationModelId) => {
    const record = await recordOf(`/model/${encodeURIComponent(modelId)}/converse`, { messages });
    expect(record).toMatchObject({ modelId, modelType });
    expect(record['foundationModelId']).toBe(foundationModelId);
  });

  it.each(['ChatCompletions', 'Responses', 'Messages', 'CountMessageTokens', 'StartAsyncInvoke'])(
    '%s: the model that the body names, also when Bedrock refuses',
    async (name) => {
      const { template = '', modelMember = '' } = RUNTIME.operations.find((operation) => operation.name === name) ?? {};
      chain.bedrock.answer(fail(429, 'ThrottlingException', 'Slow down.'));
      const record = await recordOf(template, {
        messages: [{ model: 'x' }],
        [modelMember]: `us.${MODEL}`,
        tools: [],
      });
      expect(record).toMatchObject({
        modelId: `us.${MODEL}`,
        foundationModelId: MODEL,
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
    const record = await recordOf(`/model/${MODEL}/${operation}`, { messages });
    expect(record).toMatchObject({ errorType, errorSource: 'bedrock', outcome: 'complete' });
  });

  it('a refusal has neither tokens nor a guess at them', async () => {
    const record = await recordOf('/model/a%20b/converse', {});
    expect(record).toMatchObject({ outcome: 'refused', errorSource: 'client', errorType: 'ValidationException' });
    expect(Object.keys(record).filter((name) => /token|usage/i.test(name))).toStrictEqual([]);
  });
});
