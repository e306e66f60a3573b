import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { type BedrockEmulator, startBedrock } from '../../emulators/bedrock/bedrock.ts';
import { fail } from '../../emulators/bedrock/faults.ts';
import { type Chain, newKey, startChain, withApiKey } from '../../emulators/chain.ts';
import { globalPolicy } from '../../emulators/gateway/harness.ts';
import { call } from '../../support/chain-calls.ts';
import { nextRecord } from '../../support/records.ts';

const REGIONS = ['us-east-1', 'eu-west-1', 'us-west-2'] as const;
type Region = (typeof REGIONS)[number];

/** Subscriptions whose name is what the gateway orders for them. */
const ORDERS = ['eu-west-1', 'us-west-2, eu-west-1', 'sa-east-1', 'US-EAST-1', 'eu-west-1;us-east-1'];

const keyOf = (order: string) => `key-${ORDERS.indexOf(order)}-of-an-order`;

const ANY = { id: 'any', name: 'none', key: 'key-of-any' };

let chain: Chain;
beforeAll(async () => {
  const rules = ORDERS.map(
    (order, index) =>
      `<when condition='@(context.Subscription.Id == "order-${index}")'><set-variable name="bedrock-region" value="${order}" /></when>`,
  );
  chain = await startChain({
    regions: REGIONS,
    subscriptions: [ANY, ...ORDERS.map((name, index) => ({ id: `order-${index}`, name, key: keyOf(name) }))],
    globalPolicy: globalPolicy({ inbound: `<choose>${rules.join('')}</choose>` }),
  });
});
afterAll(() => chain.close());
afterEach(() => chain.bedrocks.forEach((bedrock) => bedrock.reset()));

function bedrockIn(region: Region): BedrockEmulator {
  const found = chain.bedrocks.find((bedrock) => bedrock.region === region);
  if (found === undefined) throw new Error(`no Bedrock in ${region}`);
  return found;
}

/** Regions that were asked, each with the number of properly signed requests. */
const asked = () =>
  Object.fromEntries(
    chain.bedrocks.flatMap(({ region, requests }) => {
      const verified = requests.filter((request) => request.verified).length;
      return verified === 0 ? [] : [[region, verified]];
    }),
  );

let models = 0;
/** A model that no region rests for. */
const freshModel = () => `anthropic.claude-${(models += 1)}-v1:0`;

const refuse = (region: Region) => bedrockIn(region).answer(fail(429, 'ThrottlingException', 'Slow down.'));

interface Asked {
  readonly key?: string;
  readonly model?: string;
  readonly region?: string;
}

/** A call by an AWS SDK that is set to a region. */
async function converse({ key = ANY.key, model = freshModel(), region = 'us-east-1' }: Asked = {}): Promise<string> {
  const client = new BedrockRuntimeClient({
    ...chain.clientConfig(),
    region,
    maxAttempts: 1,
    requestHandler: withApiKey(key),
  });
  try {
    await client.send(new ConverseCommand({ modelId: model, messages: [] }));
    return 'complete';
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } finally {
    client.destroy();
  }
}

const profile = (region: string) =>
  `arn:aws:bedrock:${region}:123456789012:application-inference-profile/p${(models += 1)}`;

describe('a client of AWS’s', () => {
  it.each(REGIONS)('that is set to %s is served there', async (region) => {
    expect(await converse({ region })).toBe('complete');
    expect(asked()).toStrictEqual({ [region]: 1 });
  });

  it('that is set to another region is served by the first', async () => {
    expect(await converse({ region: 'ap-south-1' })).toBe('complete');
    expect(asked()).toStrictEqual({ 'us-east-1': 1 });
  });

  it('is served elsewhere when its region refuses', async () => {
    refuse('us-west-2');
    expect(await converse({ region: 'us-west-2' })).toBe('complete');
    expect(asked()).toStrictEqual({ 'us-west-2': 1, 'us-east-1': 1 });
  });
});

describe('an ARN', () => {
  it.each(REGIONS)('of %s is called there, whatever the client is set to', async (region) => {
    expect(await converse({ model: profile(region), region: 'us-east-1' })).toBe('complete');
    expect(asked()).toStrictEqual({ [region]: 1 });
  });

  it('and nowhere else', async () => {
    refuse('eu-west-1');
    expect(await converse({ model: profile('eu-west-1') })).toBe('ThrottlingException: Slow down.');
    expect(asked()).toStrictEqual({ 'eu-west-1': 1 });
  });

  it('of another region is left to AWS', async () => {
    expect(await converse({ model: profile('ap-south-1') })).toBe('complete');
    expect(asked()).toStrictEqual({ 'us-east-1': 1 });
  });

  it('in a body', async () => {
    const body = { model: profile('us-west-2'), max_tokens: 9, messages: [] };
    const { record } = await call(chain, '/anthropic/v1/messages', { key: ANY.key, body });
    expect(record).toMatchObject({ status: 200, region: 'us-west-2' });
    expect(asked()).toStrictEqual({ 'us-west-2': 1 });
  });

  it('of an asynchronous invocation', async () => {
    const arn = 'arn:aws:bedrock:us-west-2:123456789012:async-invoke/abc123def456';
    await call(chain, `/async-invoke/${encodeURIComponent(arn)}`, { key: ANY.key, body: null });
    expect(asked()).toStrictEqual({ 'us-west-2': 1 });
  });
});

describe('an order of the gateway', () => {
  it('goes before the region of the client, and nowhere else', async () => {
    refuse('eu-west-1');
    expect(await converse({ key: keyOf('eu-west-1'), region: 'us-west-2' })).toBe('ThrottlingException: Slow down.');
    expect(asked()).toStrictEqual({ 'eu-west-1': 1 });
  });

  it('of several: in its order', async () => {
    refuse('us-west-2');
    expect(await converse({ key: keyOf('us-west-2, eu-west-1') })).toBe('complete');
    expect(asked()).toStrictEqual({ 'us-west-2': 1, 'eu-west-1': 1 });
  });

  it('is not left by an ARN', async () => {
    expect(await converse({ key: keyOf('eu-west-1'), model: profile('us-west-2') })).toBe(
      'AccessDeniedException: Your subscription does not work in the region of this ARN.',
    );
    expect(asked()).toStrictEqual({});
  });

  it.each(['sa-east-1', 'US-EAST-1', 'eu-west-1;us-east-1'])('%s is refused, and the log says why', async (order) => {
    expect(await converse({ key: keyOf(order) })).toBe(
      'ServiceUnavailableException: The order x-gateway-region of the gateway names a region that this app does not have.',
    );
    expect(asked()).toStrictEqual({});
    const record = await nextRecord(chain.host, ({ subscriptionName }) => subscriptionName === order);
    expect(record).toMatchObject({ status: 503, outcome: 'refused', errorSource: 'proxy' });
    // It is written before the record.
    const failures = chain.host.logs.map(({ message }) => message).filter((line) => line.includes('"bedrock.failure"'));
    expect(failures.filter((line) => line.includes(String(record['requestId'])))).toStrictEqual([
      expect.stringContaining('It has us-east-1, eu-west-1, us-west-2.'),
    ]);
  });

  it('of a client is none', async () => {
    const { record } = await call(chain, `/model/${freshModel()}/converse`, {
      key: ANY.key,
      headers: { 'x-gateway-region': 'us-west-2', 'x-gateway-client-region': 'eu-west-1' },
    });
    expect(record).toMatchObject({ status: 200, region: 'us-east-1' });
  });
});

describe('a profile of a geography', () => {
  const inEurope = () => `eu.${freshModel()}`;
  const inTheStates = () => `us.${freshModel()}`;

  it('is called in its part of the world', async () => {
    expect(await converse({ model: inEurope(), region: 'us-east-1' })).toBe('complete');
    expect(asked()).toStrictEqual({ 'eu-west-1': 1 });
  });

  it('and nowhere else', async () => {
    refuse('us-east-1');
    refuse('us-west-2');
    expect(await converse({ model: inTheStates() })).toBe('ThrottlingException: Slow down.');
    expect(asked()).toStrictEqual({ 'us-east-1': 1, 'us-west-2': 1 });
  });

  it('of the whole world moves anywhere', async () => {
    refuse('us-east-1');
    expect(await converse({ model: `global.${freshModel()}` })).toBe('complete');
    expect(asked()).toStrictEqual({ 'us-east-1': 1, 'eu-west-1': 1 });
  });
});

describe('what one region keeps', () => {
  const missing = () => fail(404, 'ResourceNotFoundException', 'No such response.');
  const client = () => new OpenAI({ baseURL: `${chain.gateway.url}/openai/v1`, apiKey: ANY.key, maxRetries: 0 });

  it('a stored response is found wherever it is', async () => {
    bedrockIn('us-east-1').answer(missing());
    bedrockIn('eu-west-1').answer(missing());
    expect(await client().responses.retrieve('resp_0a1b2c3d')).toMatchObject({ id: 'resp_0a1b2c3d' });
    expect(asked()).toStrictEqual({ 'us-east-1': 1, 'eu-west-1': 1, 'us-west-2': 1 });
  });

  it('or nowhere', async () => {
    for (const bedrock of chain.bedrocks) bedrock.answer(missing());
    await expect(client().responses.delete('resp_0a1b2c3d')).rejects.toMatchObject({ status: 404 });
    expect(asked()).toStrictEqual({ 'us-east-1': 1, 'eu-west-1': 1, 'us-west-2': 1 });
  });

  it('lists are those of the first region, even when it refuses', async () => {
    refuse('us-east-1');
    const { answer } = await call(chain, '/async-invoke', { key: ANY.key, body: null });
    expect(answer.status).toBe(429);
    expect(asked()).toStrictEqual({ 'us-east-1': 1 });
  });
});

describe('a rotation of keys in the middle of it', () => {
  it('each region gets the new keys, and nothing is asked twice with good ones', async () => {
    const next = newKey();
    // The first region has taken the old key, and refuses for want of capacity; then the key is replaced.
    bedrockIn('us-east-1').answer((request, response) => {
      chain.vault.set('aws-credentials', JSON.stringify(next));
      for (const bedrock of chain.bedrocks) bedrock.setKeys([next]);
      return fail(429, 'ThrottlingException', 'Slow down.')(request, response);
    });
    const { answer, record } = await call(chain, `/model/${freshModel()}/converse`, { key: ANY.key });
    expect(answer.status).toBe(200);
    expect(record).toMatchObject({
      region: 'eu-west-1',
      regionsTried: 'us-east-1,eu-west-1',
      attempts: 3,
      credentialsRefreshed: true,
    });
    expect(bedrockIn('eu-west-1').requests.map(({ verified }) => verified)).toStrictEqual([false, true]);
    expect(bedrockIn('us-west-2').requests).toStrictEqual([]);
  });
});

it('the emulated regions take no signature of another', async () => {
  const other = await startBedrock({ region: 'eu-west-1' });
  const client = new BedrockRuntimeClient({
    endpoint: other.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
    requestHandler: withApiKey(''),
    maxAttempts: 1,
  });
  await expect(client.send(new ConverseCommand({ modelId: 'a.b', messages: [] }))).rejects.toMatchObject({
    name: 'InvalidSignatureException',
  });
  expect(other.requests.map(({ verified }) => verified)).toStrictEqual([false]);
  client.destroy();
  await other.close();
});
