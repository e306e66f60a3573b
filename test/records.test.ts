import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { cutAt } from './emulators/bedrock/faults.ts';
import { type Chain, startChain, withApiKey } from './emulators/chain.ts';
import { nextRecord } from './faults/records.ts';

const SUBSCRIPTIONS = [
  { id: 'team-a', name: 'Équipe A', key: 'key-a', productId: 'assistants', userId: 'u1' },
  { id: 'team-b', key: 'key-b' },
];
const MODELS = [
  'anthropic.claude-3-haiku-20240307-v1:0',
  'amazon.nova-lite-v1:0',
  'us.meta.llama3-1-70b-instruct-v1:0',
];

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
  const chat = { model: MODELS[0], max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] };

  it.each([
    ['Converse', `/model/${MODELS[0]}/converse`, { messages }, 'body'],
    ['ConverseStream', `/model/${MODELS[0]}/converse-stream`, { messages }, 'stream'],
    ['InvokeModel', `/model/${MODELS[0]}/invoke`, { ...chat, anthropic_version: 'bedrock-2023-05-31' }, 'headers'],
    [
      'InvokeModelWithResponseStream',
      `/model/${MODELS[0]}/invoke-with-response-stream`,
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
    const record = await recordOf(`/model/${MODELS[0]}/count-tokens`, { input: { converse: { messages } } });
    expect(record['countedInputTokens']).toBeGreaterThan(0);
    expect(record).not.toHaveProperty('inputTokens');
  });

  it('a stream that was cut tells what is known, and that it was cut', async () => {
    chain.bedrock.answer(cutAt(1500));
    const record = await recordOf(`/model/${MODELS[0]}/converse-stream`, { messages });
    expect(record).toMatchObject({ outcome: 'upstreamBroke', errorSource: 'bedrock', usageUnknown: 'cut' });
  });

  it('a refusal has neither tokens nor a guess at them', async () => {
    const record = await recordOf('/model/a%20b/converse', {});
    expect(record).toMatchObject({ outcome: 'refused', errorSource: 'client', errorType: 'ValidationException' });
    expect(Object.keys(record).filter((name) => /token|usage/i.test(name))).toStrictEqual([]);
  });
});

it('the sums by subscription are exactly what Bedrock gave out', async () => {
  chain.bedrock.reset();
  const seen: Record<string, unknown>[] = [];
  const all = Promise.withResolvers<void>();
  const stop = chain.host.onLog(({ message }) => {
    if (!message.startsWith('{"event":"bedrock.request"')) return;
    seen.push(JSON.parse(message) as Record<string, unknown>);
    if (seen.length === 200) all.resolve();
  });
  await Promise.all(
    SUBSCRIPTIONS.map(async ({ key }) => {
      const client = new BedrockRuntimeClient({ ...chain.clientConfig(), requestHandler: withApiKey(key) });
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          const input = { modelId: MODELS[index % MODELS.length] ?? '', messages: [] };
          if (index % 2 === 0) return client.send(new ConverseCommand(input));
          const { stream } = await client.send(new ConverseStreamCommand(input));
          return Array.fromAsync(stream ?? []);
        }),
      );
      client.destroy();
    }),
  );
  await all.promise;
  stop();
  const sum = (name: string, records: readonly Record<string, unknown>[]) =>
    records.reduce((total, record) => total + Number(record[name] ?? 0), 0);
  for (const [modelId, given] of Object.entries(chain.bedrock.usageGiven().byModel)) {
    const ofModel = seen.filter((record) => record['modelId'] === modelId);
    expect(sum('inputTokens', ofModel)).toBe(given.inputTokens);
    expect(sum('outputTokens', ofModel)).toBe(given.outputTokens);
  }
  for (const { id } of SUBSCRIPTIONS) {
    expect(seen.filter((record) => record['subscriptionId'] === id)).toHaveLength(100);
  }
});
