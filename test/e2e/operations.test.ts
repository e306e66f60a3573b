import {
  ApplyGuardrailCommand,
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  GetAsyncInvokeCommand,
  InvokeGuardrailChecksCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  ListAsyncInvokesCommand,
  StartAsyncInvokeCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { RUNTIME } from '../../src/bedrock/runtime.ts';
import type { ReceivedRequest } from '../emulators/bedrock/received-request.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { ask } from '../support/chain-calls.ts';
import { converse, modelId, openAiModel } from '../support/models.ts';
import { onlyRequest } from '../support/only-request.ts';

const messages = [{ role: 'user' as const, content: [{ text: 'What is a signature?' }] }];
const anthropicBody = JSON.stringify({
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 50,
  messages: [{ role: 'user', content: 'What is a signature?' }],
});

let chain: Chain;
let client: BedrockRuntimeClient;

beforeAll(async () => {
  chain = await startChain();
  client = new BedrockRuntimeClient(chain.clientConfig());
});
afterAll(async () => {
  client.destroy();
  await chain.close();
});
beforeEach(() => chain.bedrock.reset());

/** The one request that reached Bedrock, its signature verified there by an implementation other than ours. */
function received(operation: string): ReceivedRequest {
  const request = onlyRequest(chain);
  expect(request).toMatchObject({ operation, accessKeyId: chain.key.accessKeyId });
  return request;
}

describe('the AWS SDK for JavaScript, through gateway, host and function', () => {
  it('Converse', async () => {
    const answer = await client.send(new ConverseCommand({ modelId, messages }));
    expect(answer.output?.message?.content?.[0]?.text).toMatch(/\w/);
    expect(answer.usage?.totalTokens).toBeGreaterThan(0);
    expect(JSON.parse(String(received('Converse').body))).toMatchObject({ messages });
  });

  it('ConverseStream', async () => {
    const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages }));
    const events = await Array.fromAsync(stream ?? []);
    expect(events.at(0)?.messageStart?.role).toBe('assistant');
    expect(events.at(-1)?.metadata?.usage?.outputTokens).toBeGreaterThan(0);
    received('ConverseStream');
  });

  it('InvokeModel', async () => {
    const answer = await client.send(
      new InvokeModelCommand({
        modelId,
        body: anthropicBody,
        contentType: 'application/json',
        accept: 'application/json',
        guardrailIdentifier: 'gr7abc123def',
        guardrailVersion: 'DRAFT',
        trace: 'ENABLED',
      }),
    );
    expect(JSON.parse(answer.body.transformToString())).toMatchObject({ type: 'message' });
    expect(received('InvokeModel').headers).toMatchObject({
      accept: 'application/json',
      'content-type': 'application/json',
      'x-amzn-bedrock-guardrailidentifier': 'gr7abc123def',
      'x-amzn-bedrock-guardrailversion': 'DRAFT',
      'x-amzn-bedrock-trace': 'ENABLED',
    });
  });

  it('InvokeModelWithResponseStream', async () => {
    const { body, contentType } = await client.send(
      new InvokeModelWithResponseStreamCommand({ modelId, body: anthropicBody, accept: 'application/json' }),
    );
    expect(contentType).toBe('application/json');
    const chunks = await Array.fromAsync(body ?? [], ({ chunk }) =>
      JSON.parse(Buffer.from(chunk?.bytes ?? []).toString()),
    );
    expect(chunks.at(0)).toMatchObject({ type: 'message_start' });
    expect(chunks.at(-1)).toHaveProperty('amazon-bedrock-invocationMetrics');
    expect(received('InvokeModelWithResponseStream').headers['x-amzn-bedrock-accept']).toBe('application/json');
  });

  it('CountTokens', async () => {
    const { inputTokens } = await client.send(new CountTokensCommand({ modelId, input: { converse: { messages } } }));
    expect(inputTokens).toBeGreaterThan(0);
    received('CountTokens');
  });

  it('ApplyGuardrail', async () => {
    const answer = await client.send(
      new ApplyGuardrailCommand({
        guardrailIdentifier: 'arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123',
        guardrailVersion: '1',
        source: 'INPUT',
        content: [{ text: { text: 'hello' } }],
      }),
    );
    expect(answer.action).toBeDefined();
    received('ApplyGuardrail');
  });

  it('InvokeGuardrailChecks', async () => {
    const answer = await client.send(
      new InvokeGuardrailChecksCommand({ messages: [{ role: 'user', content: [{ text: 'hello' }] }], checks: {} }),
    );
    expect(answer.$metadata.httpStatusCode).toBe(200);
    received('InvokeGuardrailChecks');
  });

  it('StartAsyncInvoke, GetAsyncInvoke', async () => {
    const { invocationArn } = await client.send(
      new StartAsyncInvokeCommand({
        modelId: 'amazon.nova-reel-v1:0',
        modelInput: { taskType: 'TEXT_VIDEO' },
        outputDataConfig: { s3OutputDataConfig: { s3Uri: 's3://bucket' } },
      }),
    );
    received('StartAsyncInvoke');
    chain.bedrock.reset();
    const answer = await client.send(new GetAsyncInvokeCommand({ invocationArn }));
    expect(answer.invocationArn).toBe(invocationArn);
    received('GetAsyncInvoke');
  });

  it('ListAsyncInvokes, its filters in the query', async () => {
    const submitTimeAfter = new Date('2026-01-01T00:00:00Z');
    await client.send(
      new ListAsyncInvokesCommand({ submitTimeAfter, statusEquals: 'Completed', maxResults: 5, nextToken: 'a+b/c==' }),
    );
    const { searchParams } = new URL(received('ListAsyncInvokes').target ?? '', 'http://bedrock');
    expect(Object.fromEntries(searchParams)).toStrictEqual({
      submitTimeAfter: '2026-01-01T00:00:00Z',
      statusEquals: 'Completed',
      maxResults: '5',
      nextToken: 'a+b/c==',
    });
  });
});

describe('raw HTTP', () => {
  const paths: Record<string, string> = {
    modelId: encodeURIComponent(modelId),
    guardrailIdentifier: 'abc123',
    guardrailVersion: 'DRAFT',
    responseId: 'resp_0123456789abcdef',
    invocationArn: encodeURIComponent('arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdef012345'),
  };
  const bodies: Record<string, object> = {
    ChatCompletions: { model: openAiModel, messages: [{ role: 'user', content: 'hello' }] },
    Responses: { model: openAiModel, input: 'hello' },
    Messages: { model: modelId, max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] },
    CountMessageTokens: { model: modelId, messages: [{ role: 'user', content: 'hello' }] },
    StartAsyncInvoke: {
      modelId: 'amazon.nova-reel-v1:0',
      modelInput: {},
      outputDataConfig: { s3OutputDataConfig: { s3Uri: 's3://bucket' } },
    },
  };

  it.each(RUNTIME.operations.filter(({ unsupported }) => unsupported === undefined))(
    '$name',
    async ({ name, method, template }) => {
      const path = template.replaceAll(/\{(\w+)\}/g, (_, label: string) => paths[label] ?? '');
      const body = method === 'POST' ? (bodies[name] ?? { messages }) : null;
      const answer = await ask(chain, path, { method, body });
      expect(answer.status).toBe(200);
      expect(answer.body.length).toBeGreaterThan(0);
      expect(received(name).target).toBe(path);
    },
  );

  it.each([
    ['binary', Buffer.from([0, 255, 128, 13, 10, 0, 192, 193])],
    ['a byte order mark', Buffer.from('\uFEFF{"a":1}')],
    ['invalid UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22])],
    ['2 MiB in many pieces', Buffer.alloc(2 * 1024 * 1024, 'abcdefg')],
    ['empty', Buffer.alloc(0)],
  ])('a body of %s arrives as it was sent', async (_name, body) => {
    const headers = { 'content-type': 'application/octet-stream' };
    await ask(chain, '/model/amazon.blob-v1:0/invoke', { headers, body });
    expect(received('InvokeModel').body.equals(body)).toBe(true);
  });

  it('a chunked body is sent on with its length', async () => {
    const pieces = ['{"messages":', '[]', '}'];
    await ask(chain, converse, { body: pieces });
    const request = received('Converse');
    expect(String(request?.body)).toBe(pieces.join(''));
    expect(request?.headers['content-length']).toBe(String(pieces.join('').length));
    expect(request?.headers).not.toHaveProperty('transfer-encoding');
  });

  it('query parameters survive in their order', async () => {
    const query = '?statusEquals=Completed&nextToken=a%2Fb%3D%3D&maxResults=5';
    await ask(chain, `/async-invoke${query}`, { body: null });
    expect(received('ListAsyncInvokes').target).toBe(`/async-invoke${query}`);
  });

  it('repeated query parameters survive in their order where AWS has no model of them', async () => {
    const query = '?beta=true&x=1&x=%C3%A9&empty=&flag';
    const answer = await fetch(`${chain.gateway.url}/anthropic/v1/messages${query}`, {
      method: 'POST',
      headers: { 'api-key': chain.gateway.subscriptionKey, 'content-type': 'application/json' },
      body: JSON.stringify(bodies['Messages']),
    });
    await answer.arrayBuffer();
    expect(received('Messages').target).toBe(`/anthropic/v1/messages${query}`);
  });

  it.each(['?statusEquals=Completed&statusEquals=Failed', '?other=1'])('%s is not what AWS takes', async (query) => {
    const answer = await fetch(`${chain.gateway.url}/async-invoke${query}`, {
      headers: { 'api-key': chain.gateway.subscriptionKey },
    });
    await answer.arrayBuffer();
    expect([answer.status, answer.headers.get('x-amzn-errortype')]).toStrictEqual([400, 'ValidationException']);
    expect(chain.bedrock.requests).toHaveLength(0);
  });
});
