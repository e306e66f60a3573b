import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';

import {
  awsError,
  call,
  CONVERSE,
  globalPolicy,
  lastReceived,
  NAMELESS,
  productPolicy,
  useHarness,
  TEAM,
} from '../../emulators/gateway/harness.ts';
import {
  policyFile,
  policyWith,
  readOption,
  replaceOnce,
  readPolicy,
  type PolicyFile,
} from '../../emulators/gateway/policy-file.ts';
import { open, send } from '../../emulators/gateway/send.ts';

const harness = useHarness();

/** bedrock.xml with CORS at the beginning of its inbound section. */
async function policyWithCors(): Promise<PolicyFile> {
  const text = await readPolicy('bedrock.xml');
  return policyFile(replaceOnce(text, '<inbound>', `<inbound>${await readOption('cors')}`));
}

describe('rules of your own', () => {
  const NAMES = [
    'subscription-id',
    'subscription-name',
    'product-id',
    'user-id',
    'request-id',
    'allowed-models',
    'operations',
    'model-aliases',
    'budgets',
    'guardrail',
    'role-arn',
    'region',
    'client-region',
  ];

  it.each(NAMES)('do not see a forged x-gateway-%s', async (name) => {
    const value = `@(context.Request.Headers.GetValueOrDefault("x-gateway-${name}", "nothing"))`;
    await using policy = await policyWith(`<set-header name="x-seen"><value>${value}</value></set-header>`);
    const gateway = await harness.start({ policy: policy.path });
    await call(gateway, { headers: { 'api-key': NAMELESS.key, [`x-gateway-${name}`]: 'forged' } });
    expect(lastReceived(harness).headers['x-seen']).toBe('nothing');
  });
});

describe('rate-limit', () => {
  it('limits each subscription by itself', async () => {
    await using policy = await policyWith(await readOption('rate-limit'));
    const gateway = await harness.start({ policy: policy.path });
    const calls = Array.from({ length: 300 }, () => call(gateway));
    expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([200]));
    const limited = await call(gateway);
    expect(limited).toMatchObject({ status: 429, headers: { 'x-amzn-errortype': 'ThrottlingException' } });
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
    expect(await call(gateway, { headers: { 'api-key': NAMELESS.key } })).toMatchObject({ status: 200 });
  });
});

describe('quota', () => {
  it('is accepted in the policy of a product', async () => {
    const gateway = await harness.start({ productPolicy: productPolicy(await readOption('quota')) });
    expect(await call(gateway)).toMatchObject({ status: 200 });
  });
});

describe('ip-filter', () => {
  it('refuses an address that is not listed', async () => {
    await using policy = await policyWith(await readOption('ip-filter'));
    const gateway = await harness.start({ policy: policy.path });
    expect(await call(gateway)).toEqual(
      awsError(403, 'AccessDeniedException', 'Caller IP address 127.0.0.1 is not allowed. Access denied.'),
    );
  });

  it.each([
    ['allow', '<address>127.0.0.1</address>', 200],
    ['allow', '<address-range from="127.0.0.0" to="127.0.0.9" />', 200],
    ['forbid', '<address-range from="127.0.0.0" to="127.0.0.9" />', 403],
    ['forbid', '<address>127.0.0.2</address>', 200],
  ])('%s %s: %i', async (action, entries, status) => {
    await using policy = await policyWith(`<ip-filter action="${action}">${entries}</ip-filter>`);
    const gateway = await harness.start({ policy: policy.path });
    expect(await call(gateway)).toMatchObject({ status });
  });
});

describe('an order', () => {
  const ORDERS: [option: string, header: string, value: string][] = [
    ['budgets', 'x-gateway-budgets', 'tokens/minute=200000, cost/month=500, product:cost/month=5000'],
    ['guardrail', 'x-gateway-guardrail', 'gr7abc123def:3'],
    ['role', 'x-gateway-role-arn', 'arn:aws:iam::444455556666:role/bedrock-target'],
    ['region', 'x-gateway-region', 'eu-central-1'],
    ['operations', 'x-gateway-operations', 'inference, discovery'],
    [
      'model-aliases',
      'x-gateway-model-aliases',
      'team-default=us.anthropic.claude-sonnet-4-5-20250929-v1:0, team-small=amazon.nova-lite-v1:0',
    ],
  ];
  const PLACES = ['of the API', 'of all APIs', 'of the product'] as const;

  it.each(PLACES.flatMap((place) => ORDERS.map((order) => [...order, place] as const)))(
    '%s: %s is %s by the policy %s',
    async (option, header, value, place) => {
      const rules = await readOption(option);
      await using policy = await policyWith(place === 'of the API' ? rules : '');
      const options = {
        'of the API': { policy: policy.path },
        'of all APIs': { globalPolicy: globalPolicy({ inbound: rules }) },
        'of the product': { productPolicy: productPolicy(rules) },
      }[place];
      const gateway = await harness.start(options);
      await call(gateway, { headers: { 'api-key': gateway.subscriptionKey, [header]: 'forged' } });
      const sent = String(lastReceived(harness).headers[header]);
      expect(sent).toMatch(/^[\w%.~-]+$/);
      expect(decodeURIComponent(sent)).toBe(value);
    },
  );

  it.each(ORDERS)('%s: an empty one is an error, not none', async (_option, header) => {
    const variable = header.replace('x-gateway-', 'bedrock-');
    await using policy = await policyWith(`<set-variable name="${variable}" value="" />`);
    const gateway = await harness.start({ policy: policy.path });
    expect(await call(gateway)).toMatchObject({ status: 500 });
  });

  it('of the product goes before that of all APIs', async () => {
    const gateway = await harness.start({
      globalPolicy: globalPolicy({ inbound: '<set-variable name="bedrock-region" value="us-east-1" />' }),
      productPolicy: productPolicy(await readOption('region')),
    });
    await call(gateway);
    expect(lastReceived(harness).headers['x-gateway-region']).toBe('eu-central-1');
  });
});

describe('allowed-models', () => {
  const experiments = { id: 'experiments', key: 'key-of-experiments' };
  const assistant = { id: 'bot', key: 'key-of-bot', productId: 'assistants' };
  const cases = [
    [experiments, '*'],
    [assistant, 'us.anthropic.claude-*, amazon.nova-lite-v1:0'],
    [NAMELESS, 'amazon.nova-micro-v1:0'],
  ] as const;

  it.each(cases)('of %o', async (subscription, models) => {
    await using policy = await policyWith(await readOption('allowed-models'));
    const gateway = await harness.start({ policy: policy.path, subscriptions: cases.map(([each]) => each) });
    await call(gateway, { headers: { 'api-key': subscription.key, 'x-gateway-allowed-models': '*,forged' } });
    expect(decodeURIComponent(String(lastReceived(harness).headers['x-gateway-allowed-models']))).toBe(models);
  });

  it('works as well from the policy of all APIs, and of a product', async () => {
    const rules = await readOption('allowed-models');
    for (const options of [
      { globalPolicy: globalPolicy({ inbound: rules }) },
      { productPolicy: productPolicy(rules) },
    ]) {
      await call(await harness.start(options));
      expect(lastReceived(harness).headers['x-gateway-allowed-models']).toBe('amazon.nova-micro-v1%3A0');
    }
  });

  it('of nothing is an error, not every model', async () => {
    await using policy = await policyWith('<set-variable name="bedrock-allowed-models" value="" />');
    const gateway = await harness.start({ policy: policy.path });
    expect(await call(gateway)).toMatchObject({ status: 500 });
  });
});

/** Header names and methods of calls that OpenAI's and Anthropic's clients make in a browser. */
async function sentFromPages(): Promise<{ headers: string[]; methods: string[] }> {
  const headers = new Set<string>();
  const methods = new Set<string>();
  const fetch = async (_url: unknown, init?: RequestInit) => {
    methods.add(init?.method?.toUpperCase() ?? 'GET');
    for (const name of new Headers(init?.headers).keys()) headers.add(name);
    return Response.json({});
  };
  const browser = { baseURL: 'http://gateway.example', dangerouslyAllowBrowser: true, timeout: 1000, fetch };
  const openai = new OpenAI({ ...browser, apiKey: 'key' });
  const anthropic = new Anthropic({ ...browser, apiKey: null, authToken: 'key' });
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  await openai.chat.completions.create({ model: 'm', messages });
  await openai.chat.completions.create({ model: 'm', messages, stream: true });
  openai.chat.completions.stream({ model: 'm', messages }).on('error', () => {});
  await openai.responses.create({ model: 'm', input: 'Hi' });
  await openai.responses.retrieve('resp_1');
  await openai.responses.cancel('resp_1');
  await openai.responses.delete('resp_1');
  await anthropic.messages.create({ model: 'm', max_tokens: 1, messages });
  await anthropic.beta.messages.create({ model: 'm', max_tokens: 1, messages, betas: ['b'] });
  anthropic.messages.stream({ model: 'm', max_tokens: 1, messages }).on('error', () => {});
  return { headers: [...headers], methods: [...methods] };
}

describe('cors', () => {
  const preflight = {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example.com', 'access-control-request-method': 'POST' },
  };

  it('answers a preflight request without a key', async () => {
    await using policy = await policyWithCors();
    const gateway = await harness.start({ policy: policy.path });
    expect(await call(gateway, preflight)).toMatchObject({
      status: 200,
      headers: {
        'access-control-allow-origin': 'https://app.example.com',
        'access-control-allow-methods': 'DELETE,GET,POST',
        'access-control-allow-headers': expect.stringContaining('api-key'),
        'access-control-max-age': '600',
      },
    });
  });

  it('allows every header and method that the official clients send from a page', async () => {
    await using policy = await policyWithCors();
    const gateway = await harness.start({ policy: policy.path });
    const answer = await call(gateway, preflight);
    const allowed = (name: string) => String(answer.headers[`access-control-allow-${name}`]).split(',');
    const sent = await sentFromPages();
    expect(sent.headers).toEqual(expect.arrayContaining(['x-stainless-lang', 'anthropic-version']));
    // A browser sets these by itself, and asks for nothing.
    const SAFE = new Set(['accept', 'user-agent', 'content-length']);
    expect(sent.headers.filter((name) => !SAFE.has(name) && !allowed('headers').includes(name))).toEqual([]);
    expect(sent.methods.filter((method) => !allowed('methods').includes(method))).toEqual([]);
  });

  it('names the origin in answers, and in those of the gateway itself', async () => {
    await using policy = await policyWithCors();
    const gateway = await harness.start({ policy: policy.path });
    const origin = 'https://app.example.com';
    expect(await call(gateway, { headers: { origin, 'api-key': TEAM.key } })).toMatchObject({
      status: 200,
      headers: { 'access-control-allow-origin': origin },
    });
    expect(await call(gateway, { headers: { origin, 'api-key': TEAM.key, 'x-a': 'é' } })).toMatchObject({
      status: 400,
      headers: { 'access-control-allow-origin': origin },
    });
  });

  it('gives another origin nothing', async () => {
    await using policy = await policyWithCors();
    const gateway = await harness.start({ policy: policy.path });
    const other = await call(gateway, {
      ...preflight,
      headers: { ...preflight.headers, origin: 'https://example.org' },
    });
    expect(other.status).toBe(200);
    expect(other.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('is off unless it is put in', async () => {
    const response = await send((await harness.start()).origin, { ...preflight, target: `/bedrock${CONVERSE}` });
    expect(response.status).toBe(404);
  });
});

describe('all of them together', () => {
  it('keep answers streaming', async () => {
    const names = ['rate-limit', 'token-rate-limit', 'token-quota', 'allowed-models'];
    const rules = (await Promise.all(names.map(readOption))).join('\n');
    const filter = '<ip-filter action="allow"><address>127.0.0.1</address></ip-filter>';
    await using filtered = await policyWith(rules + filter);
    await using policy = await policyFile(
      replaceOnce(await readFile(filtered.path, 'utf8'), '<inbound>', `<inbound>${await readOption('cors')}`),
    );
    const gateway = await harness.start({
      policy: policy.path,
      productPolicy: productPolicy(await readOption('quota')),
    });
    const backend = new Promise<ServerResponse>((resolve) => {
      harness.backend.answerWith((_, outgoing) => resolve(outgoing));
    });
    const opened = open(gateway.origin, { target: `/bedrock${CONVERSE}`, headers: { 'api-key': TEAM.key } });
    (await backend).write('first');
    const answer = await opened;
    expect(String((await once(answer, 'data'))[0])).toBe('first');
    (await backend).end();
    await once(answer.resume(), 'end');
  });
});
