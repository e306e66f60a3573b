import {
  AccessDeniedException,
  ApplyGuardrailCommand,
  type BedrockRuntimeClient,
  BedrockRuntimeServiceException,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  GetAsyncInvokeCommand,
  InvokeGuardrailChecksCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  ListAsyncInvokesCommand,
  StartAsyncInvokeCommand,
  ThrottlingException,
  type Message,
} from '@aws-sdk/client-bedrock-runtime';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { EXAMPLE_KEY, startBedrock, type BedrockEmulator } from './bedrock.ts';
import { fail } from './faults.ts';
import { runtimeClient } from './runtime-client.ts';
import { sendSigned } from './signed-request.ts';
import type { BedrockKey } from './sigv4-verifier.ts';
import { TEXT } from './tokens.ts';
import { modelId } from '../../support/models.ts';
import { waitUntil } from '../../support/wait-until.ts';

const PROFILE = `arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.${modelId}`;
const MESSAGES: Message[] = [{ role: 'user', content: [{ text: 'What is a signature?' }] }];
const CLAUDE_BODY = {
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'What is a signature?' }],
};

// With a Bedrock API key in the environment the SDKs would not sign.
vi.stubEnv('AWS_BEARER_TOKEN_BEDROCK', undefined);

let bedrock: BedrockEmulator;
const clients: BedrockRuntimeClient[] = [];

beforeAll(async () => {
  bedrock = await startBedrock();
});

afterEach(() => {
  bedrock.reset();
  for (const client of clients.splice(0)) client.destroy();
});

afterAll(() => bedrock.close());

function sdk(credentials?: BedrockKey, region?: string): BedrockRuntimeClient {
  const client = runtimeClient(bedrock, credentials, region);
  clients.push(client);
  return client;
}

function lastRequest(): BedrockEmulator['requests'][number] {
  const request = bedrock.requests.at(-1);
  if (request === undefined) throw new Error('No request has arrived.');
  return request;
}

describe('request metadata', () => {
  const entries = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));

  it.each([
    ['one entry', { a: 'b' }],
    ['sixteen entries', entries(16)],
    ['every character', { 'aZ9 :_@$#=/+,-.': 'aZ9 :_@$#=/+,-.\n' }],
    ['the longest', { ['k'.repeat(256)]: 'v'.repeat(256) }],
    ['an empty value', { a: '' }],
  ])('%s', async (_name, requestMetadata) => {
    await sdk().send(new ConverseCommand({ modelId, messages: MESSAGES, requestMetadata }));
    expect(lastRequest().requestMetadata).toStrictEqual(requestMetadata);
    const body = JSON.stringify(CLAUDE_BODY);
    await sdk().send(new InvokeModelCommand({ modelId, body, requestMetadata: JSON.stringify(requestMetadata) }));
    expect(lastRequest().requestMetadata).toStrictEqual(requestMetadata);
  });

  it.each([
    ['no entry', {}],
    ['seventeen entries', entries(17)],
    ['an empty key', { '': 'v' }],
    ['a key that is too long', { ['k'.repeat(257)]: 'v' }],
    ['a value that is too long', { a: 'v'.repeat(257) }],
    ['a per cent sign', { a: '%' }],
    ['another script', { a: 'é' }],
  ])('%s is refused', async (_name, requestMetadata) => {
    const converse = new ConverseCommand({ modelId, messages: MESSAGES, requestMetadata });
    await expect(sdk().send(converse)).rejects.toThrow('The request metadata is not valid');
    const header = JSON.stringify(requestMetadata).replaceAll('é', '\\u00e9');
    const invoke = new InvokeModelCommand({
      modelId,
      body: JSON.stringify(CLAUDE_BODY),
      requestMetadata: header,
    });
    await expect(sdk().send(invoke)).rejects.toThrow('The request metadata is not valid');
  });

  it('has to be signed', async () => {
    const client = sdk();
    client.middlewareStack.add(
      (next) => (args) => {
        Object.assign((args.request as { headers: object }).headers, {
          'x-amzn-bedrock-request-metadata': '{"a":"b"}',
        });
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    const sent = client.send(new InvokeModelCommand({ modelId, body: JSON.stringify(CLAUDE_BODY) }));
    await expect(sent).rejects.toMatchObject({ name: 'InvalidSignatureException' });
  });

  it('is read nowhere else', async () => {
    await sdk().send(new CountTokensCommand({ modelId, input: { converse: { messages: MESSAGES } } }));
    expect(lastRequest()).not.toHaveProperty('requestMetadata');
  });
});

describe('the AWS SDK reads every operation', () => {
  it('Converse', async () => {
    const answer = await sdk().send(
      new ConverseCommand({ modelId, messages: MESSAGES, performanceConfig: { latency: 'optimized' } }),
    );
    expect(answer.output?.message).toEqual({ role: 'assistant', content: [{ text: TEXT }] });
    expect(answer.stopReason).toBe('end_turn');
    expect(answer.performanceConfig).toEqual({ latency: 'optimized' });
    expect(bedrock.usageGiven().byModel[modelId]).toMatchObject({
      answers: 1,
      inputTokens: answer.usage?.inputTokens,
      outputTokens: answer.usage?.outputTokens,
    });
    expect(lastRequest()).toMatchObject({
      operation: 'Converse',
      modelId,
      target: '/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse',
      accessKeyId: EXAMPLE_KEY.accessKeyId,
      verified: true,
    });
    expect(answer.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('ConverseStream', async () => {
    const { stream } = await sdk().send(new ConverseStreamCommand({ modelId: PROFILE, messages: MESSAGES }));
    const events = await Array.fromAsync(stream ?? []);
    expect(events.map((event) => Object.keys(event)[0])).toEqual([
      'messageStart',
      ...Array.from({ length: events.length - 4 }, () => 'contentBlockDelta'),
      'contentBlockStop',
      'messageStop',
      'metadata',
    ]);
    expect(events.map((event) => event.contentBlockDelta?.delta?.text ?? '').join('')).toBe(TEXT);
    expect(events.filter((event) => event.contentBlockDelta).length).toBeGreaterThan(5);
    expect(bedrock.usageGiven().byModel[PROFILE]).toMatchObject({
      outputTokens: events.at(-1)?.metadata?.usage?.outputTokens,
      inputTokens: events.at(-1)?.metadata?.usage?.inputTokens,
    });
    expect(lastRequest().modelId).toBe(PROFILE);
    expect(lastRequest().target).toBe(`/model/${encodeURIComponent(PROFILE)}/converse-stream`);
  });

  it('a request that marks a cache point', async () => {
    const { usage } = await sdk().send(
      new ConverseCommand({
        modelId,
        messages: MESSAGES,
        system: [{ text: 'Be brief.' }, { cachePoint: { type: 'default' } }],
      }),
    );
    const parts = [usage?.inputTokens, usage?.outputTokens, usage?.cacheReadInputTokens, usage?.cacheWriteInputTokens];
    for (const part of parts) expect(part).toBeGreaterThan(0);
    expect(usage?.totalTokens).toBe(parts.reduce<number>((sum, part) => sum + (part ?? 0), 0));
  });

  it.each<readonly [family: string, body: object, expected: object]>([
    ['Anthropic', CLAUDE_BODY, { type: 'message', content: [{ type: 'text', text: TEXT }], stop_reason: 'end_turn' }],
    ['Nova', { messages: MESSAGES }, { output: { message: { content: [{ text: TEXT }] } }, stopReason: 'end_turn' }],
    ['Llama', { prompt: 'Hello' }, { generation: TEXT, stop_reason: 'stop' }],
    ['Titan embedding', { inputText: 'Hello', dimensions: 256 }, { inputTextTokenCount: expect.any(Number) }],
  ])('InvokeModel, %s', async (_, body, expected) => {
    const answer = await sdk().send(
      new InvokeModelCommand({
        modelId,
        body: JSON.stringify(body),
        contentType: 'application/json',
        serviceTier: 'flex',
      }),
    );
    expect(JSON.parse(answer.body.transformToString())).toMatchObject(expected);
    expect(answer.contentType).toBe('application/json');
    expect(answer.serviceTier).toBe('flex');
  });

  it('InvokeModel counts tokens in headers', async () => {
    const { response } = await sendSigned(bedrock.url, EXAMPLE_KEY, `/model/${modelId}/invoke`, CLAUDE_BODY);
    const { headers } = await response;
    const given = bedrock.usageGiven().byModel[modelId];
    expect(headers).toMatchObject({
      'x-amzn-bedrock-input-token-count': String(given?.inputTokens),
      'x-amzn-bedrock-output-token-count': String(given?.outputTokens),
    });
  });

  it('InvokeModel returns a body it does not understand as it is', async () => {
    const body = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const answer = await sdk().send(new InvokeModelCommand({ modelId, body, contentType: 'image/x-test' }));
    expect(Buffer.from(answer.body)).toEqual(Buffer.from(body));
    expect(answer.contentType).toBe('image/x-test');
  });

  it.each<readonly [family: string, body: object, text: (event: never) => string | undefined]>([
    ['Anthropic', CLAUDE_BODY, (event: { delta?: { text?: string } }) => event.delta?.text],
    [
      'Nova',
      { messages: MESSAGES },
      (event: { contentBlockDelta?: { delta: { text: string } } }) => event.contentBlockDelta?.delta.text,
    ],
    ['Llama', { prompt: 'Hello' }, (event: { generation: string }) => event.generation],
  ])('InvokeModelWithResponseStream, %s', async (_, body, textOf) => {
    const answer = await sdk().send(
      new InvokeModelWithResponseStreamCommand({
        modelId,
        body: JSON.stringify(body),
        contentType: 'application/json',
      }),
    );
    const events = (await Array.fromAsync(answer.body ?? [])).map(
      ({ chunk }) => JSON.parse(Buffer.from(chunk?.bytes ?? []).toString()) as never,
    );
    expect(events.map((event) => textOf(event) ?? '').join('')).toBe(TEXT);
    expect(events.at(-1)?.['amazon-bedrock-invocationMetrics']).toMatchObject({
      inputTokenCount: bedrock.usageGiven().byModel[modelId]?.inputTokens,
      outputTokenCount: bedrock.usageGiven().byModel[modelId]?.outputTokens,
    });
    expect(answer.contentType).toBe('application/json');
  });

  it('CountTokens', async () => {
    const short = await sdk().send(new CountTokensCommand({ modelId, input: { converse: { messages: [] } } }));
    const long = await sdk().send(new CountTokensCommand({ modelId, input: { converse: { messages: MESSAGES } } }));
    expect(long.inputTokens).toBeGreaterThan(short.inputTokens ?? 0);
    expect(bedrock.usageGiven().byModel).toEqual({});
  });

  it('ApplyGuardrail', async () => {
    const answer = await sdk().send(
      new ApplyGuardrailCommand({
        guardrailIdentifier: 'arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123',
        guardrailVersion: '1',
        source: 'INPUT',
        content: [{ text: { text: 'twelve chars' } }],
      }),
    );
    expect(answer.action).toBe('NONE');
    expect(answer.guardrailCoverage?.textCharacters).toEqual({ guarded: 12, total: 12 });
    expect(lastRequest().labels).toEqual(['arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123', '1']);
  });

  it('InvokeGuardrailChecks', async () => {
    const answer = await sdk().send(
      new InvokeGuardrailChecksCommand({
        messages: [{ role: 'user', content: [{ text: 'Hello' }] }],
        checks: { contentFilter: { categories: [{ category: 'HATE' }] } },
      }),
    );
    expect(answer.results).toEqual({ contentFilter: { results: [{ category: 'HATE', severityScore: 0 }] } });
    expect(answer.usage).toEqual({ contentFilter: { textUnits: 1 } });
  });

  it('StartAsyncInvoke and GetAsyncInvoke', async () => {
    const start = new StartAsyncInvokeCommand({
      modelId: 'amazon.nova-reel-v1:0',
      modelInput: { taskType: 'TEXT_VIDEO' },
      outputDataConfig: { s3OutputDataConfig: { s3Uri: 's3://amzn-s3-demo-bucket' } },
      clientRequestToken: 'once',
    });
    const { invocationArn } = await sdk().send(start);
    expect((await sdk().send(start)).invocationArn).toBe(invocationArn);
    const answer = await sdk().send(new GetAsyncInvokeCommand({ invocationArn }));
    expect(answer).toMatchObject({ invocationArn, status: 'Completed', submitTime: expect.any(Date) });
    expect(lastRequest()).toMatchObject({
      method: 'GET',
      target: `/async-invoke/${encodeURIComponent(invocationArn ?? '')}`,
    });
  });

  it('ListAsyncInvokes', async () => {
    const submitTimeAfter = new Date('2026-05-01T10:00:00Z');
    const first = await sdk().send(
      new ListAsyncInvokesCommand({ statusEquals: 'Failed', maxResults: 3, submitTimeAfter, sortOrder: 'Ascending' }),
    );
    expect(first.asyncInvokeSummaries).toHaveLength(3);
    expect(first.asyncInvokeSummaries?.[0]).toMatchObject({ status: 'Failed', submitTime: submitTimeAfter });
    expect(first.nextToken).toMatch(/[+/=]/);
    const second = await sdk().send(new ListAsyncInvokesCommand({ nextToken: first.nextToken }));
    expect(second.nextToken).toBeUndefined();
    expect(new URL(lastRequest().target, bedrock.url).searchParams.get('nextToken')).toBe(first.nextToken);
  });
});

describe('refusals are the SDK’s typed errors', () => {
  const SESSION_KEY: BedrockKey = { ...EXAMPLE_KEY, accessKeyId: 'ASIAIOSFODNN7EXAMPLE', sessionToken: 'token/1+2==' };
  const converse = new ConverseCommand({ modelId, messages: MESSAGES });

  async function failure(client: BedrockRuntimeClient): Promise<BedrockRuntimeServiceException> {
    const error: unknown = await client.send(converse).catch((thrown: unknown) => thrown);
    if (error instanceof BedrockRuntimeServiceException) return error;
    throw new Error('The SDK did not fail in a known way.', { cause: error });
  }

  it.each<readonly [what: string, key: BedrockKey, region: string, name: string]>([
    ['a wrong secret', { ...EXAMPLE_KEY, secretAccessKey: 'wrong' }, 'us-east-1', 'InvalidSignatureException'],
    ['an unknown key', { ...EXAMPLE_KEY, accessKeyId: 'AKIAUNKNOWN' }, 'us-east-1', 'UnrecognizedClientException'],
    [
      'a token that is not the key’s',
      { ...EXAMPLE_KEY, sessionToken: 'other' },
      'us-east-1',
      'UnrecognizedClientException',
    ],
    ['another region', EXAMPLE_KEY, 'eu-west-1', 'InvalidSignatureException'],
  ])('%s', async (_, key, region, name) => {
    const error = await failure(sdk(key, region));
    expect([error.name, error.$metadata.httpStatusCode]).toEqual([name, 403]);
    expect(lastRequest().verified).toBe(false);
    expect(lastRequest().refusal).toBe(`${name}: ${error.message}`);
  });

  it('keys are replaced at once, session tokens expire', async () => {
    bedrock.setKeys([SESSION_KEY]);
    expect((await failure(sdk())).name).toBe('UnrecognizedClientException');
    await sdk(SESSION_KEY).send(converse);
    bedrock.expireSessionToken(SESSION_KEY.sessionToken ?? '');
    expect((await failure(sdk(SESSION_KEY))).name).toBe('ExpiredTokenException');
    bedrock.reset();
    await sdk().send(converse);
  });

  it('a scripted failure', async () => {
    bedrock.answer(fail(429, 'ThrottlingException', 'Too many tokens.', { 'retry-after': '7' }));
    const error = await failure(sdk());
    expect(error).toBeInstanceOf(ThrottlingException);
    expect(error.message).toBe('Too many tokens.');
    expect(error.$response?.headers['retry-after']).toBe('7');
  });

  it('a body that is not JSON', async () => {
    const { response } = await sendSigned(bedrock.url, EXAMPLE_KEY, `/model/${modelId}/converse`, Buffer.from('{'));
    const message = await response;
    expect([message.statusCode, message.headers['x-amzn-errortype']]).toEqual([400, 'ValidationException']);
    expect(JSON.parse(await text(message))).toEqual({ message: expect.stringMatching(/^Malformed input request/) });
  });
});

describe('a request must be what a signing proxy should send', () => {
  it.each([
    ['an ARN in more than one segment', `/model/${PROFILE}/converse`, 404, 'UnknownOperationException'],
    ['an id encoded twice', '/model/a%253A0/converse', 400, 'ValidationException'],
    ['an id that cannot be one', '/model/a%20b/converse', 400, 'ValidationException'],
    ['an id of broken UTF-8', '/model/%FF/converse', 400, 'ValidationException'],
    ['a double slash', '//model/a/converse', 404, 'UnknownOperationException'],
    ['an unknown path', '/foundation-models', 404, 'UnknownOperationException'],
    ['a trailing slash', '/model/a/converse/', 404, 'UnknownOperationException'],
  ])('refuses %s', async (_, target, status, errorType) => {
    const { response } = await sendSigned(bedrock.url, EXAMPLE_KEY, target, {});
    const { statusCode, headers } = await response;
    expect([statusCode, headers['x-amzn-errortype']]).toEqual([status, errorType]);
    expect(lastRequest()).toMatchObject({ target, operation: 'Unknown', verified: false });
  });

  it.each(['x-forwarded-for', 'ocp-apim-subscription-key', 'cookie', 'x-ms-client-principal', 'traceparent2'])(
    'refuses the header %s',
    async (name) => {
      const { response } = await sendSigned(
        bedrock.url,
        EXAMPLE_KEY,
        `/model/${modelId}/converse`,
        {},
        {
          headers: [[name, 'a']],
        },
      );
      expect((await response).statusCode).toBe(400);
      expect(lastRequest().refusal).toBe(`ValidationException: Headers that must not reach AWS: ${name}`);
    },
  );
});

describe('connections and answers in general', () => {
  it('every answer has a request id, a date and says what becomes of the connection', async () => {
    const { response } = await sendSigned(bedrock.url, EXAMPLE_KEY, `/model/${modelId}/converse`, {});
    const { headers } = await response;
    expect(headers).toMatchObject({ connection: 'close', 'content-type': 'application/json' });
    expect(headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.date).toBe(lastRequest().receivedAt.toUTCString());
  });

  it('keeps the connection of a client that wants it', async () => {
    const client = sdk();
    await client.send(new ConverseCommand({ modelId, messages: MESSAGES }));
    await client.send(new ConverseCommand({ modelId, messages: MESSAGES }));
    // Those of earlier tests may still be closing.
    await waitUntil(() => bedrock.openConnections <= 1 && bedrock.activeRequests === 0);
    expect(bedrock.openConnections).toBe(1);
  });

  it('believes its own clock', async () => {
    const late = await startBedrock({ clock: () => new Date('2030-01-01T00:00:00Z') });
    const { response } = await sendSigned(late.url, EXAMPLE_KEY, `/model/${modelId}/converse`, {});
    const message = await response;
    expect(JSON.parse(await text(message))).toEqual({ message: expect.stringMatching(/^Signature expired: /) });
    expect(message.headers.date).toBe('Tue, 01 Jan 2030 00:00:00 GMT');
    await late.close();
  });
});

describe('scripts and listeners', () => {
  const converse = new ConverseCommand({ modelId, messages: MESSAGES });
  const teapot = fail(418, 'TeapotException', 'Short and stout.');

  async function statuses(...keys: BedrockKey[]): Promise<(number | undefined)[]> {
    const [key, ...others] = keys;
    if (key === undefined) return [];
    const answer = await sdk(key)
      .send(converse)
      .catch((error: BedrockRuntimeServiceException) => error);
    return [answer.$metadata.httpStatusCode, ...(await statuses(...others))];
  }

  it('a script is for verified requests only, and for as many as it says', async () => {
    bedrock.answer(teapot, { times: 2 });
    const wrong = { ...EXAMPLE_KEY, secretAccessKey: 'wrong' };
    expect(await statuses(EXAMPLE_KEY, wrong, EXAMPLE_KEY, EXAMPLE_KEY)).toEqual([418, 403, 418, 200]);
  });

  it('scripts are taken in order where they match', async () => {
    bedrock.answer(teapot, { when: ({ operation }) => operation === 'CountTokens' });
    bedrock.answer(fail(403, 'AccessDeniedException', 'No.'));
    await expect(sdk().send(converse)).rejects.toThrow(AccessDeniedException);
    expect(await statuses(EXAMPLE_KEY)).toEqual([200]);
  });

  it('a listener hears of every request, refused ones too, until it unsubscribes', async () => {
    const heard: boolean[] = [];
    const unsubscribe = bedrock.onRequest(({ verified }) => heard.push(verified));
    await statuses(EXAMPLE_KEY, { ...EXAMPLE_KEY, secretAccessKey: 'wrong' });
    unsubscribe();
    await statuses(EXAMPLE_KEY);
    expect(heard).toEqual([true, false]);
  });
});
