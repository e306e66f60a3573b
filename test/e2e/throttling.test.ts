import { once } from 'node:events';
import { connect } from 'node:net';

import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  ThrottlingException,
} from '@aws-sdk/client-bedrock-runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { EVENT_STREAM, plain, sendAnswer, streamed } from '../emulators/bedrock/answer.ts';
import { paddedEvent } from '../emulators/bedrock/answers-converse.ts';
import { cutAt } from '../emulators/bedrock/faults.ts';
import { type Chain, startChain, withApiKey } from '../emulators/chain.ts';
import type { Subscription } from '../emulators/gateway/gateway.ts';
import { begin, call, recordOf } from '../support/chain-calls.ts';
import { converse, converseStream, modelId as model } from '../support/models.ts';
import { nextRecord } from '../support/records.ts';
import { chunk } from '../support/usage-feed.ts';

/** A hundred tokens a second. */
const TOKENS_PER_MINUTE = 6000;
/** More than a test lasts: ten minutes of waiting. */
const FAR_BEYOND = 66_000;

/** Each test has a subscription of its own, and so a budget. */
const subscriptions = Array.from({ length: 40 }, (_, index): Subscription => ({
  id: `team-${index}`,
  key: `key-${index}`,
}));
let next = 0;
const newSubscription = (): Subscription => {
  const subscription = subscriptions[next];
  if (subscription === undefined) throw new Error('no subscription is left');
  next += 1;
  return subscription;
};

let chain: Chain;
beforeAll(async () => {
  chain = await startChain({ settings: { BUDGETS: `tokens/minute=${TOKENS_PER_MINUTE}` }, subscriptions });
});
afterAll(() => chain.close());
afterEach(() => chain.bedrock.reset());

const usageOf = (inputTokens: number, outputTokens = 0) => ({ usage: { inputTokens, outputTokens } });
const metadata = (inputTokens: number) => paddedEvent('metadata', { ...usageOf(inputTokens), metrics: {} });

/** A call to its record: what has been used is counted by then. */
async function callOf({ key }: Subscription, path: string, body: object = {}) {
  const { answer, record } = await call(chain, path, { key, body });
  return { ...answer, record };
}

/** Has a subscription use so many tokens. */
async function use(subscription: Subscription, inputTokens: number, outputTokens = 0): Promise<void> {
  chain.bedrock.answer((_, response) => sendAnswer(response, plain(usageOf(inputTokens, outputTokens))));
  expect(await callOf(subscription, converse)).toMatchObject({ status: 200 });
}

describe('a subscription whose budget is used up', () => {
  it('gets 429 in the form of AWS, and nothing reaches Bedrock', async () => {
    const team = newSubscription();
    const start = performance.now();
    await use(team, FAR_BEYOND);
    chain.bedrock.reset();
    const { status, headers, body } = await callOf(team, converse, { messages: [] });
    expect(status).toBe(429);
    expect(headers['x-amzn-errortype']).toBe('ThrottlingException');
    expect(JSON.parse(String(body))).toStrictEqual({
      message: 'The budget tokens/minute of this subscription (6000) is used up.',
    });
    const passed = Math.ceil((performance.now() - start) / 1000);
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(600 - passed);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(601);
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('is recorded as refused, with what it asked for', async () => {
    const team = newSubscription();
    await use(team, FAR_BEYOND);
    const { record } = await callOf(team, converseStream, { messages: [] });
    expect(record).toMatchObject({
      subscriptionId: team.id,
      operation: 'ConverseStream',
      modelId: model,
      status: 429,
      outcome: 'refused',
      errorType: 'ThrottlingException',
      errorSource: 'client',
    });
    expect(Object.keys(record).filter((name) => /token|usage|attempts|requestBytes/i.test(name))).toStrictEqual([]);
  });

  it('is answered before its body has come', async () => {
    const team = newSubscription();
    await use(team, FAR_BEYOND);
    const socket = connect(chain.host.port, '127.0.0.1');
    await once(socket, 'connect');
    const lines = [
      `POST ${converse} HTTP/1.1`,
      'Host: x',
      `Authorization: Bearer ${await chain.entra.issueToken()}`,
      `x-gateway-subscription-id: ${team.id}`,
      'Transfer-Encoding: chunked',
    ];
    const refused = nextRecord(
      chain.host,
      ({ subscriptionId, status }) => subscriptionId === team.id && status === 429,
    );
    socket.write(`${lines.join('\r\n')}\r\n\r\n5\r\n{"mes\r\n`);
    expect(await refused).toMatchObject({ status: 429, outcome: 'refused' });
    expect(await refused).not.toHaveProperty('requestBytes');
    // The host delivers no answer before the end of the upload.
    socket.write('0\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 429 /);
    socket.destroy();
  });

  it('may do what uses no tokens', async () => {
    const team = newSubscription();
    await use(team, FAR_BEYOND);
    for (const [path, body] of [
      [`/model/${model}/count-tokens`, { input: {} }],
      ['/guardrail/abc/version/1/apply', { content: [] }],
      ['/anthropic/v1/messages/count_tokens', { model, messages: [] }],
    ] as const) {
      expect(await callOf(team, path, body)).toMatchObject({ status: 200 });
    }
  });

  it.each([
    ['InvokeModel', `/model/${model}/invoke`],
    ['InvokeModelWithResponseStream', `/model/${model}/invoke-with-response-stream`],
    ['ChatCompletions', '/openai/v1/chat/completions'],
    ['Responses', '/openai/v1/responses'],
    ['Messages', '/anthropic/v1/messages'],
  ])('is refused %s', async (_name, path) => {
    const team = newSubscription();
    await use(team, FAR_BEYOND);
    expect(await callOf(team, path, { model })).toMatchObject({ status: 429 });
  });

  it('does not stop another one', async () => {
    const [team, other] = [newSubscription(), newSubscription()];
    await use(team, FAR_BEYOND);
    expect(await callOf(other, converse)).toMatchObject({ status: 200 });
  });
});

describe('tokens are counted', () => {
  it('of input, output and cache writes, not of cache reads', async () => {
    const [reading, writing] = [newSubscription(), newSubscription()];
    for (const [team, kind] of [
      [reading, 'cacheReadInputTokens'],
      [writing, 'cacheWriteInputTokens'],
    ] as const) {
      const answer = plain({ usage: { inputTokens: 1, outputTokens: 1, [kind]: FAR_BEYOND } });
      chain.bedrock.answer((_, response) => sendAnswer(response, answer));
      await callOf(team, converse);
    }
    expect(await callOf(reading, converse)).toMatchObject({ status: 200 });
    expect(await callOf(writing, converse)).toMatchObject({ status: 429 });
  });

  it('over several calls', async () => {
    const team = newSubscription();
    await use(team, 3000);
    await use(team, 0, 2900);
    await use(team, 1000, FAR_BEYOND);
    expect(await callOf(team, converse)).toMatchObject({ status: 429 });
  });

  it('of streams', async () => {
    const team = newSubscription();
    const answer = streamed([paddedEvent('messageStart', { role: 'assistant' }), metadata(FAR_BEYOND)], EVENT_STREAM);
    chain.bedrock.answer((_, response) => sendAnswer(response, answer));
    expect(await callOf(team, converseStream)).toMatchObject({ status: 200 });
    expect(await callOf(team, converseStream)).toMatchObject({ status: 429 });
  });

  it('of a stream that was cut, as far as it told them', async () => {
    const team = newSubscription();
    const start = chunk({ type: 'message_start', message: { usage: { input_tokens: FAR_BEYOND, output_tokens: 1 } } });
    const answer = streamed([start, chunk({ type: 'ping' })], EVENT_STREAM);
    chain.bedrock.answer(cutAt(start.length + 10, () => answer));
    const { record } = await callOf(team, `/model/${model}/invoke-with-response-stream`);
    expect(record).toMatchObject({ outcome: 'upstreamBroke', usagePartial: true, inputTokens: FAR_BEYOND });
    expect(await callOf(team, converse)).toMatchObject({ status: 429 });
  });

  it('of a stream whose caller has left', async () => {
    const team = newSubscription();
    const answer = streamed([metadata(FAR_BEYOND), metadata(FAR_BEYOND)], EVENT_STREAM);
    chain.bedrock.answer((_, response) => sendAnswer(response, answer, { eventDelayMs: 60_000 }));
    const { request, response } = begin(chain, converseStream, { key: team.key });
    const left = await response;
    request.destroy();
    await recordOf(chain, left);
    expect(await callOf(team, converse)).toMatchObject({ status: 429 });
  });

  it('nothing of errors, and of answers that tell none', async () => {
    const team = newSubscription();
    chain.bedrock.answer((_, response) => sendAnswer(response, { ...plain(usageOf(FAR_BEYOND)), status: 500 }));
    await callOf(team, converse);
    chain.bedrock.answer((_, response) => sendAnswer(response, plain({ output: {} })));
    await callOf(team, converse);
    expect(await callOf(team, converse)).toMatchObject({ status: 200 });
  });

  it('together of all callers without a subscription', async () => {
    const direct = { door: 'host', headers: { authorization: `Bearer ${await chain.entra.issueToken()}` } } as const;
    chain.bedrock.answer((_, response) => sendAnswer(response, plain(usageOf(FAR_BEYOND))));
    await call(chain, converse, direct);
    expect((await call(chain, converse, direct)).answer.status).toBe(429);
    expect(await callOf(newSubscription(), converse)).toMatchObject({ status: 200 });
  });
});

describe('the AWS SDK for JavaScript', () => {
  function clientOf({ key }: Subscription, maxAttempts: number): BedrockRuntimeClient {
    return new BedrockRuntimeClient({ ...chain.clientConfig(), requestHandler: withApiKey(key), maxAttempts });
  }

  it('waits for the budget and then succeeds', async () => {
    const team = newSubscription();
    // Three seconds too much.
    await use(team, TOKENS_PER_MINUTE + 300);
    const client = clientOf(team, 3);
    const { $metadata } = await client.send(new ConverseCommand({ modelId: model, messages: [] }));
    // It has waited as long as it was told to: once was enough.
    expect($metadata.attempts).toBe(2);
    expect(chain.bedrock.requests).toHaveLength(2);
    client.destroy();
  });

  it('raises its typed exception when it does not wait', async () => {
    const team = newSubscription();
    await use(team, FAR_BEYOND);
    const client = clientOf(team, 1);
    for (const command of [
      new ConverseCommand({ modelId: model, messages: [] }),
      new ConverseStreamCommand({ modelId: model, messages: [] }),
    ]) {
      const error = await client.send(command as ConverseCommand).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ThrottlingException);
      expect(error).toMatchObject({ $metadata: { httpStatusCode: 429, attempts: 1 } });
    }
    client.destroy();
  });
});
