import type { ServerResponse } from 'node:http';

import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { plain, sendAnswer } from '../emulators/bedrock/answer.ts';
import { controlled } from '../emulators/bedrock/controlled.ts';
import { type Chain, startChain, withApiKey } from '../emulators/chain.ts';
import { paddedEvent } from '../emulators/bedrock/answers-converse.ts';
import { awsError, call, globalPolicy, NAMELESS, productPolicy, useHarness } from '../emulators/gateway/harness.ts';
import { policyWith, readOption, replaceOnce } from '../emulators/gateway/policy-file.ts';
import { modelId as model } from '../support/models.ts';

const harness = useHarness();

/** Has the backend tell so many tokens in its next answers. */
function tell(tokens: Readonly<Record<string, number>>): void {
  harness.backend.answerWith((incoming, outgoing) => {
    for (const [kind, count] of Object.entries(tokens)) {
      outgoing.setHeader(`x-bedrock-usage-${kind}-tokens`, String(count));
    }
    incoming.resume().once('end', () => outgoing.end());
  });
}

/** An option with another number of tokens. */
async function optionOf(name: 'token-rate-limit' | 'token-quota', tokens: number): Promise<string> {
  const calls = name === 'token-rate-limit' ? 'calls="100000"' : 'calls="50000000"';
  return replaceOnce(await readOption(name), calls, `calls="${tokens}"`);
}

const EXCEEDED = {
  'token-rate-limit': [429, 'ThrottlingException'],
  'token-quota': [403, 'AccessDeniedException'],
} as const;

describe.each(['token-rate-limit', 'token-quota'] as const)('%s', (name) => {
  const [status, errorType] = EXCEEDED[name];

  it('stops a subscription by its tokens, and no other', async () => {
    await using policy = await policyWith(await optionOf(name, 100));
    const gateway = await harness.start({ policy: policy.path });
    tell({ input: 30, output: 20, total: 50 });
    expect(await call(gateway)).toMatchObject({ status: 200 });
    expect(await call(gateway)).toMatchObject({ status: 200 });
    const stopped = await call(gateway);
    expect(stopped).toMatchObject({ status, headers: { 'x-amzn-errortype': errorType } });
    expect(Number(stopped.headers['retry-after'])).toBeGreaterThan(0);
    expect(await call(gateway, { headers: { 'api-key': NAMELESS.key } })).toMatchObject({ status: 200 });
  });

  it('lets the call pass that uses up the rest, and then none', async () => {
    await using policy = await policyWith(await optionOf(name, 100));
    const gateway = await harness.start({ policy: policy.path });
    tell({ input: 99, total: 99 });
    await call(gateway);
    tell({ input: 5000, output: 1, total: 5001 });
    expect(await call(gateway)).toMatchObject({ status: 200 });
    expect(await call(gateway)).toMatchObject({ status });
  });

  it('counts input, output and cache writes', async () => {
    await using policy = await policyWith(await optionOf(name, 100));
    const gateway = await harness.start({ policy: policy.path });
    tell({ input: 1, output: 1, 'cache-read-input': 5000, total: 5002 });
    await call(gateway);
    tell({ input: 1, output: 1, 'cache-write-input': 100, total: 102 });
    expect(await call(gateway)).toMatchObject({ status: 200 });
    expect(await call(gateway)).toMatchObject({ status });
  });

  it('does not count an answer that tells no tokens', async () => {
    await using policy = await policyWith(await optionOf(name, 1));
    const gateway = await harness.start({ policy: policy.path });
    tell({});
    for (let count = 0; count < 5; count += 1) expect(await call(gateway)).toMatchObject({ status: 200 });
  });

  it('works in the policy of a product as well', async () => {
    const gateway = await harness.start({ productPolicy: productPolicy(await optionOf(name, 100)) });
    tell({ input: 100, total: 100 });
    await call(gateway);
    expect(await call(gateway)).toMatchObject({ status });
  });

  it('as it is, allows what it says', async () => {
    await using policy = await policyWith(await readOption(name));
    const gateway = await harness.start({ policy: policy.path });
    tell({ input: name === 'token-rate-limit' ? 99_999 : 49_999_999, total: 1 });
    await call(gateway);
    tell({ input: 1, total: 1 });
    expect(await call(gateway)).toMatchObject({ status: 200 });
    expect(await call(gateway)).toMatchObject({ status });
  });
});

it('both options together count for themselves', async () => {
  await using policy = await policyWith(
    (await optionOf('token-rate-limit', 100)) + (await optionOf('token-quota', 150)),
  );
  const gateway = await harness.start({ policy: policy.path });
  tell({ input: 100, total: 100 });
  await call(gateway);
  expect(await call(gateway)).toMatchObject({ status: 429 });
  harness.time += 61_000;
  expect(await call(gateway)).toMatchObject({ status: 200 });
  harness.time += 61_000;
  expect(await call(gateway)).toMatchObject({ status: 403 });
});

describe('rate-limit-by-key', () => {
  const limit = (attributes: string) => `<rate-limit-by-key ${attributes} renewal-period="60" />`;

  it('counts at once where no expression decides about it', async () => {
    const gateway = await harness.start({
      globalPolicy: globalPolicy({ inbound: limit('calls="2" counter-key="k"') }),
    });
    tell({});
    for (const status of [200, 200, 429]) expect(await call(gateway)).toMatchObject({ status });
  });

  it('by more than one', async () => {
    const inbound = limit('calls="10" counter-key="k" increment-count="5"');
    const gateway = await harness.start({ globalPolicy: globalPolicy({ inbound }) });
    tell({});
    for (const status of [200, 200, 429]) expect(await call(gateway)).toMatchObject({ status });
  });

  it('is one call late where an expression does: the response has to be seen', async () => {
    const inbound = limit(`calls="1" counter-key="k" increment-condition='@(context.Response.StatusCode == 200)'`);
    const gateway = await harness.start({ globalPolicy: globalPolicy({ inbound }) });
    const waiting: ServerResponse[] = [];
    harness.backend.answerWith((_, outgoing) => {
      waiting.push(outgoing);
      if (waiting.length === 4) for (const each of waiting) each.end();
    });
    const answers = await Promise.all(Array.from({ length: 4 }, () => call(gateway)));
    expect(answers.map(({ status }) => status)).toStrictEqual([200, 200, 200, 200]);
    expect(await call(gateway)).toMatchObject({ status: 429 });
  });

  it('keeps an account for each key', async () => {
    const inbound = limit(`calls="1" counter-key='@(context.Request.Headers.GetValueOrDefault("x-key", ""))'`);
    const gateway = await harness.start({ globalPolicy: globalPolicy({ inbound }) });
    tell({});
    const callAs = (key: string) => call(gateway, { headers: { 'api-key': NAMELESS.key, 'x-key': key } });
    for (const [key, status] of [
      ['a', 200],
      ['b', 200],
      ['a', 429],
      ['b', 429],
    ] as const) {
      expect(await callAs(key)).toMatchObject({ status });
    }
  });

  it('shares a key between scopes', async () => {
    const statement = limit('calls="3" counter-key="k"');
    const options = { globalPolicy: globalPolicy({ inbound: statement }), productPolicy: productPolicy(statement) };
    const gateway = await harness.start(options);
    tell({});
    expect(await call(gateway)).toMatchObject({ status: 200 });
    expect(await call(gateway)).toMatchObject({ status: 429 });
  });

  it('lets in again when the window has slid far enough', async () => {
    const inbound = limit('calls="2" counter-key="k"');
    const gateway = await harness.start({ globalPolicy: globalPolicy({ inbound }) });
    tell({});
    await call(gateway);
    harness.time += 20_000;
    await call(gateway);
    harness.time += 10_000;
    expect(await call(gateway)).toEqual({
      ...awsError(429, 'ThrottlingException', 'Rate limit is exceeded. Try again in 30 seconds.'),
      headers: expect.objectContaining({ 'retry-after': '30' }),
    });
    harness.time += 31_000;
    expect(await call(gateway)).toMatchObject({ status: 200 });
    expect(await call(gateway)).toMatchObject({ status: 429 });
  });
});

describe('quota-by-key', () => {
  const quota = (attributes: string) => `<quota-by-key calls="1" counter-key="k" ${attributes} />`;

  it('begins anew with each period', async () => {
    harness.time = Date.parse('2026-11-23T10:07:30Z');
    const inbound = quota('renewal-period="300" first-period-start="2026-11-23T00:00:00Z"');
    const gateway = await harness.start({ globalPolicy: globalPolicy({ inbound }) });
    tell({});
    expect(await call(gateway)).toMatchObject({ status: 200 });
    expect(await call(gateway)).toEqual({
      ...awsError(403, 'AccessDeniedException', 'Out of call volume quota. Quota will be replenished in 00:02:30.'),
      headers: expect.objectContaining({ 'retry-after': '150' }),
    });
    harness.time = Date.parse('2026-11-23T10:10:00Z');
    expect(await call(gateway)).toMatchObject({ status: 200 });
  });

  it('of period 0 never does', async () => {
    const gateway = await harness.start({ globalPolicy: globalPolicy({ inbound: quota('renewal-period="0"') }) });
    tell({});
    await call(gateway);
    harness.time += 1e11;
    const stopped = await call(gateway);
    expect(stopped).toMatchObject({ status: 403 });
    expect(stopped.headers).not.toHaveProperty('retry-after');
  });

  it('counts a request once for a key, however many policies name it', async () => {
    const statement = '<quota-by-key calls="2" counter-key="k" renewal-period="300" />';
    const options = { globalPolicy: globalPolicy({ inbound: statement }), productPolicy: productPolicy(statement) };
    const gateway = await harness.start(options);
    tell({});
    for (const status of [200, 200, 403]) expect(await call(gateway)).toMatchObject({ status });
  });
});

describe('through gateway and function', () => {
  const input = { modelId: model, messages: [] };
  const subscriptions = ['a', 'b', 'c'].map((id) => ({ id, key: `key-${id}` }));
  let chain: Chain;
  let policy: Awaited<ReturnType<typeof policyWith>>;
  const clients: BedrockRuntimeClient[] = [];

  beforeAll(async () => {
    policy = await policyWith((await optionOf('token-rate-limit', 1000)) + (await readOption('token-quota')));
    chain = await startChain({ policy: policy.path, subscriptions });
  });
  afterAll(async () => {
    for (const client of clients) client.destroy();
    await chain.close();
    await policy[Symbol.asyncDispose]();
  });

  function clientOf(id: string): BedrockRuntimeClient {
    const config = { ...chain.clientConfig(), requestHandler: withApiKey(`key-${id}`), maxAttempts: 1 };
    const client = new BedrockRuntimeClient(config);
    clients.push(client);
    return client;
  }

  it('the tokens that Bedrock gave are what the gateway counts', async () => {
    const client = clientOf('a');
    const usage = { inputTokens: 300, outputTokens: 200, cacheReadInputTokens: 10_000 };
    chain.bedrock.answer((_, response) => sendAnswer(response, plain({ usage })), { times: 2 });
    for (let count = 0; count < 2; count += 1) await client.send(new ConverseCommand(input));
    chain.bedrock.reset();
    await expect(client.send(new ConverseCommand(input))).rejects.toMatchObject({
      name: 'ThrottlingException',
      $metadata: { httpStatusCode: 429 },
      $response: { headers: { 'retry-after': expect.stringMatching(/^\d+$/) } },
    });
    expect(chain.bedrock.requests).toHaveLength(0);
    await expect(clientOf('b').send(new ConverseCommand(input))).resolves.toBeDefined();
  });

  it('a stream still arrives event by event, and is not counted', async () => {
    const client = clientOf('c');
    const stream = controlled();
    chain.bedrock.answer(stream.responder);
    const sent = client.send(new ConverseStreamCommand(input));
    await stream.send(paddedEvent('messageStart', { role: 'assistant' }));
    const events = (await sent).stream?.[Symbol.asyncIterator]();
    expect((await events?.next())?.value).toMatchObject({ messageStart: { role: 'assistant' } });
    await stream.send(paddedEvent('messageStop', { stopReason: 'end_turn' }));
    expect((await events?.next())?.value).toMatchObject({ messageStop: { stopReason: 'end_turn' } });
    await stream.send(
      paddedEvent('metadata', { usage: { inputTokens: 5000, outputTokens: 5000, totalTokens: 10_000 } }),
    );
    expect((await events?.next())?.value).toMatchObject({ metadata: { usage: { totalTokens: 10_000 } } });
    await stream.end();
    expect((await events?.next())?.done).toBe(true);
    await expect(client.send(new ConverseCommand(input))).resolves.toBeDefined();
  });
});
