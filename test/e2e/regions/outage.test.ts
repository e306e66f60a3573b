import Anthropic from '@anthropic-ai/sdk';
import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { fail } from '../../emulators/bedrock/faults.ts';
import type { Responder } from '../../emulators/bedrock/received-request.ts';
import { type Chain, startChain, withApiKey } from '../../emulators/chain.ts';
import { call } from '../../support/chain-calls.ts';
import { DEADLINES_BY_HAND, thenPassDeadlines } from '../../support/worker-deadlines.ts';

const REGIONS = ['us-east-1', 'us-west-2'];

let models = 0;
let modelId: string;
beforeEach(() => {
  modelId = `anthropic.claude-${(models += 1)}-v1:0`;
});

const throttle = fail(429, 'ThrottlingException', 'Slow down.');
const sentTo = ({ bedrocks }: Chain) => bedrocks.map(({ requests }) => requests.length);

describe('a region without a connection', () => {
  let chain: Chain;
  afterEach(() => chain.close());

  it.each(['converse', 'converse-stream'])('%s is served by the next, which goes first for a while', async (path) => {
    chain = await startChain({ regions: REGIONS, unreachable: ['us-east-1'] });
    const first = await call(chain, `/model/${modelId}/${path}`);
    expect(first.answer.status).toBe(200);
    expect(first.record).toMatchObject({ region: 'us-west-2', regionsTried: 'us-east-1,us-west-2', attempts: 2 });
    // Whatever the model.
    const second = await call(chain, `/model/another.model/${path}`);
    expect(second.record).toMatchObject({ status: 200, region: 'us-west-2' });
    expect(sentTo(chain)).toStrictEqual([0, 2]);
  });

  it('and none left: the failure of the first', async () => {
    chain = await startChain({ regions: REGIONS, unreachable: REGIONS });
    const { answer, record } = await call(chain, `/model/${modelId}/converse`);
    expect(answer).toMatchObject({
      status: 503,
      headers: { 'x-amzn-errortype': 'ServiceUnavailableException', 'x-should-retry': 'true' },
    });
    expect(record).toMatchObject({ outcome: 'upstreamBroke', attempts: 2, regionsTried: 'us-east-1,us-west-2' });
  });
});

describe('a call that is wrong, while the first region refuses', () => {
  let chain: Chain;
  beforeAll(async () => {
    const subscriptions = ['one-team', 'another'].map((id) => ({ id, name: id, key: `key-of-${id}` }));
    chain = await startChain({ regions: REGIONS, subscriptions });
  });
  afterAll(() => chain.close());

  it('keeps the calls of its own subscription from the next region, and no others', async () => {
    const [first, second] = chain.bedrocks;
    const forAMinute = { 'retry-after': '60' };
    first?.answer(fail(429, 'ThrottlingException', 'Slow down.', forAMinute), { times: 2 });
    second?.answer(fail(400, 'ValidationException', 'Input is too long.', forAMinute));
    const path = `/model/${modelId}/converse`;

    const wrong = await call(chain, path, { key: 'key-of-one-team' });
    expect(wrong.answer.status).toBe(429);
    expect(wrong.record).toMatchObject({ regionsTried: 'us-east-1,us-west-2', attempts: 2 });
    const other = await call(chain, path, { key: 'key-of-another' });
    expect(other.record).toMatchObject({ status: 200, region: 'us-west-2', attempts: 1 });
    const own = await call(chain, path, { key: 'key-of-one-team' });
    expect(own.record).toMatchObject({ status: 429, region: 'us-east-1', attempts: 1 });
    expect(sentTo(chain)).toStrictEqual([2, 2]);
  });
});

describe('clients with the retries that they have by themselves', () => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await startChain({ regions: REGIONS });
  });
  afterAll(() => chain.close());
  afterEach(() => chain.bedrocks.forEach((bedrock) => bedrock.reset()));

  const messages = [{ role: 'user' as const, content: 'hi' }];
  const clients: Readonly<Record<string, () => Promise<unknown>>> = {
    'AWS SDK': async () => {
      const client = new BedrockRuntimeClient({
        ...chain.clientConfig(),
        requestHandler: withApiKey(chain.gateway.subscriptionKey),
      });
      return client.send(new ConverseCommand({ modelId, messages: [] })).finally(() => client.destroy());
    },
    Anthropic: () =>
      new Anthropic({
        baseURL: `${chain.gateway.url}/anthropic`,
        apiKey: null,
        authToken: chain.gateway.subscriptionKey,
      }).messages.create({ model: modelId, max_tokens: 9, messages }),
    OpenAI: () =>
      new OpenAI({
        baseURL: `${chain.gateway.url}/openai/v1`,
        apiKey: chain.gateway.subscriptionKey,
      }).chat.completions.create({ model: modelId, messages }),
  };

  it.each(Object.keys(clients))('%s: one region refuses, and the client need not try again', async (name) => {
    chain.bedrock.answer(throttle);
    await clients[name]?.();
    expect(sentTo(chain)).toStrictEqual([1, 1]);
  });

  it.each(Object.keys(clients))('%s: all refuse, and none is asked more often than the client tries', async (name) => {
    const before = chain.gateway.requests.length;
    for (const bedrock of chain.bedrocks) bedrock.answer(throttle, { times: 100 });
    await expect(clients[name]?.()).rejects.toMatchObject({ message: expect.stringContaining('Slow down.') });
    const tries = chain.gateway.requests.length - before;
    expect(tries).toBe(3);
    const [first = 0, second = 0] = sentTo(chain);
    expect(Math.max(first, second)).toBeLessThanOrEqual(tries);
    expect(first + second).toBeGreaterThan(tries);
  });

  it.each(Object.keys(clients))('%s: what a model may have done is not done again', async (name) => {
    chain.bedrock.answer(fail(408, 'ModelTimeoutException', 'Too slow.'), { times: 100 });
    await expect(clients[name]?.()).rejects.toMatchObject({ message: expect.stringContaining('Too slow.') });
    const [first, second] = sentTo(chain);
    expect(second).toBe(0);
    // Bedrock's own answer, which the clients of OpenAI and Anthropic repeat by themselves.
    expect(first).toBe(name === 'AWS SDK' ? 1 : 3);
  });
});

describe('the time of the caller ends whichever attempt is under way', () => {
  let chain: Chain;
  beforeAll(async () => {
    // Bedrock itself would be waited for longer.
    const settings = { FIRST_BYTE_DEADLINE_SECONDS: '210' };
    chain = await startChain({ regions: REGIONS, settings, nodeArguments: DEADLINES_BY_HAND });
  });
  afterAll(() => chain.close());
  afterEach(() => chain.bedrocks.forEach((bedrock) => bedrock.reset()));

  /** The time is over when this region has been asked. */
  const silent: Responder = (...asked) => thenPassDeadlines(chain.host)(...asked);
  const TOO_LATE = { status: 408, headers: { 'x-amzn-errortype': 'ModelTimeoutException' } };

  it('the first: no other is asked', async () => {
    chain.bedrock.answer(silent);
    const { answer } = await call(chain, `/model/${modelId}/converse`);
    expect(answer).toMatchObject(TOO_LATE);
    expect(sentTo(chain)).toStrictEqual([1, 0]);
  });

  it('the second', async () => {
    const [first, second] = chain.bedrocks;
    first?.answer(throttle);
    second?.answer(silent);
    const { answer, record } = await call(chain, `/model/${modelId}/converse`);
    expect(answer).toMatchObject(TOO_LATE);
    expect(record).toMatchObject({ outcome: 'timedOut', region: 'us-west-2', attempts: 2, usageUnknown: 'no answer' });
    expect(sentTo(chain)).toStrictEqual([1, 1]);
  });
});
