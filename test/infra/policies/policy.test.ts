import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import { describe, expect, it } from 'vitest';

import { withApiKey } from '../../emulators/chain.ts';
import {
  call,
  CONVERSE,
  globalPolicy,
  lastReceived,
  NAMELESS,
  useHarness,
  TEAM,
  UUID,
} from '../../emulators/gateway/harness.ts';

const harness = useHarness();

describe('a call that may pass', () => {
  it('reaches the backend with the token of the gateway and without the suffix', async () => {
    const gateway = await harness.start();
    expect(await call(gateway, { target: `${CONVERSE}?a=1&b=%2F`, body: '{}' })).toMatchObject({ status: 200 });
    const { method, target, headers } = lastReceived(harness);
    expect({ method, target }).toEqual({ method: 'POST', target: `${CONVERSE}?a=1&b=%2F` });
    expect(headers).toMatchObject({
      authorization: 'Bearer token-for-api://bedrock-proxy',
      host: new URL(harness.backend.url).host,
      'x-forwarded-for': '127.0.0.1',
      'content-length': '2',
    });
  });

  it.each([
    [true, '/model/arn%3Aaws%3Abedrock/x%25y/converse'],
    [false, '/model/arn%3Aaws%3Abedrock%2Fx%25y/converse'],
  ])('keeps the encoding of its path, but for slashes where they are decoded: %s', async (decodeSlashes, target) => {
    const gateway = await harness.start({ decodeSlashes });
    await call(gateway, { target: '/model/arn%3Aaws%3Abedrock%2Fx%25y/converse' });
    expect(lastReceived(harness).target).toBe(target);
  });

  it('is on record as it came and as it went', async () => {
    const gateway = await harness.start();
    await call(gateway);
    const { rawHeaders } = lastReceived(harness);
    expect(gateway.requests).toEqual([
      {
        method: 'POST',
        target: `/bedrock${CONVERSE}`,
        rawHeaders: expect.arrayContaining(['api-key', TEAM.key]),
        forwarded: { method: 'POST', target: CONVERSE, rawHeaders: rawHeaders.slice(0, -2) },
      },
    ]);
    // Of the connection, not of the request.
    expect(rawHeaders.slice(-2)).toEqual(['Connection', 'close']);
  });

  it('runs through the outbound rules of all APIs', async () => {
    const outbound = '<set-header name="x-outbound" exists-action="override"><value>ran</value></set-header>';
    const gateway = await harness.start({ globalPolicy: globalPolicy({ outbound }) });
    expect(await call(gateway)).toMatchObject({ headers: { 'x-outbound': 'ran' } });
  });

  it('names the caller, percent-encoded', async () => {
    await call(await harness.start());
    expect(lastReceived(harness).headers).toMatchObject({
      'x-gateway-subscription-id': 'team-a',
      'x-gateway-subscription-name': '%C3%89quipe%20%CE%B1',
      'x-gateway-product-id': 'gold',
      'x-gateway-user-id': 'ada',
      'x-gateway-request-id': expect.stringMatching(UUID),
    });
  });

  it('says nothing of what the subscription does not have', async () => {
    await call(await harness.start(), { headers: { 'api-key': NAMELESS.key } });
    const names = Object.keys(lastReceived(harness).headers).filter((name) => name.startsWith('x-gateway-'));
    expect(names.toSorted()).toEqual(['x-gateway-request-id', 'x-gateway-subscription-id']);
  });

  it.each([
    ['header', CONVERSE, { 'API-Key': TEAM.key }],
    ['second key', CONVERSE, { 'api-key': NAMELESS.secondaryKey }],
    ['query', `${CONVERSE}?api-key=${TEAM.key}`, {}],
    ['bearer token', CONVERSE, { authorization: `Bearer ${TEAM.key}` }],
  ])('may bring its key as %s', async (_place, target, headers) => {
    expect(await call(await harness.start(), { target, headers })).toMatchObject({ status: 200 });
  });

  it('in function key mode brings the key of the backend and no Authorization', async () => {
    const gateway = await harness.start({
      callerAuth: 'functionKey',
      backendHeaders: { 'x-functions-key': 'host-key' },
    });
    await call(gateway, {
      headers: { authorization: `Bearer ${TEAM.key}`, 'x-functions-key': ['guess', 'another guess'] },
    });
    const { headers } = lastReceived(harness);
    expect(headers['x-functions-key']).toBe('host-key');
    expect(headers).not.toHaveProperty('authorization');
  });
});

describe('what a client must not send through', () => {
  const FORGED_HEADERS = [
    'x-gateway-subscription-id',
    'x-gateway-subscription-name',
    'x-gateway-product-id',
    'x-gateway-user-id',
    'x-gateway-request-id',
    'x-gateway-allowed-models',
    'x-gateway-operations',
    'x-gateway-model-aliases',
    'x-gateway-budgets',
    'x-gateway-guardrail',
    'x-gateway-role-arn',
    'x-gateway-region',
    'x-gateway-client-region',
    'x-ms-invocation-id',
    'x-ms-client-principal',
    'x-ms-client-principal-id',
    'x-ms-client-principal-name',
    'x-ms-client-principal-idp',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-forwarded-prefix',
    'x-waws-unencoded-url',
    'x-original-url',
    'x-functions-key',
    'Ocp-Apim-Subscription-Key',
    'Authorization',
  ];

  it.each(FORGED_HEADERS)('header %s', async (name) => {
    const gateway = await harness.start();
    for (const spelling of [name.toLowerCase(), name.toUpperCase()]) {
      await call(gateway, { headers: { 'api-key': NAMELESS.key, [spelling]: ['forged', 'forged again'] } });
      expect(lastReceived(harness).rawHeaders.filter((text) => text.includes('forged'))).toEqual([]);
    }
  });

  it('but every other header', async () => {
    const others = {
      'content-type': 'application/json',
      accept: 'application/vnd.amazon.eventstream',
      'x-amzn-bedrock-guardrailidentifier': 'abc',
      'amz-sdk-request': 'attempt=1; max=3',
      'user-agent': 'aws-sdk-js/3',
    };
    await call(await harness.start(), { headers: { 'api-key': TEAM.key, ...others } });
    expect(lastReceived(harness).headers).toMatchObject(others);
  });

  it('header api-key', async () => {
    await call(await harness.start());
    expect(lastReceived(harness).rawHeaders).not.toContain(TEAM.key);
  });

  it.each(['api-key', 'subscription-key', 'code', 'Headers', '%48eaders', 'api%2Dkey'])('query %s', async (name) => {
    await call(await harness.start(), {
      target: `/async-invoke?first=1&${name}=${TEAM.key}&maxResults=2&${name}=forged&${name}`,
      method: 'GET',
    });
    expect(lastReceived(harness).target).toBe('/async-invoke?first=1&maxResults=2');
  });
});

describe('the region that a client has signed for', () => {
  const AWS4 = 'AWS4-HMAC-SHA256 Credential=AKIDCLIENT/20261130/';
  const REST = ', SignedHeaders=host;x-amz-date, Signature=0123456789abcdef';

  async function told(authorization: string | string[]): Promise<unknown> {
    await call(await harness.start(), {
      headers: { 'api-key': NAMELESS.key, Authorization: authorization, 'x-gateway-client-region': 'forged' },
    });
    const { headers, rawHeaders } = lastReceived(harness);
    expect(rawHeaders.join('\n')).not.toMatch(/AKIDCLIENT|forged/);
    return headers['x-gateway-client-region'];
  }

  it('is told, as an AWS SDK signs', async () => {
    const gateway = await harness.start();
    const client = new BedrockRuntimeClient({
      endpoint: `${gateway.origin}/bedrock`,
      region: 'eu-west-3',
      credentials: { accessKeyId: 'AKIDCLIENT', secretAccessKey: 'none' },
      maxAttempts: 1,
      requestHandler: withApiKey(TEAM.key),
    });
    const command = new ConverseCommand({ modelId: 'm', messages: [{ role: 'user', content: [{ text: 'Hi' }] }] });
    await client.send(command).catch(() => {});
    expect(lastReceived(harness).headers['x-gateway-client-region']).toBe('eu-west-3');
  });

  it.each([
    ['bedrock', `${AWS4}us-gov-west-1/bedrock/aws4_request${REST}`, 'us-gov-west-1'],
    ['bedrock-agentcore', `${AWS4}us-east-1/bedrock-agentcore/aws4_request${REST}`, 'us-east-1'],
  ])('is told for %s', async (_service, authorization, region) => {
    expect(await told(authorization)).toBe(region);
  });

  it.each([
    ['no signature', `Bearer ${TEAM.key}`],
    ['another service', `${AWS4}us-east-1/s3/aws4_request${REST}`],
    ['no region', `${AWS4}/bedrock/aws4_request${REST}`],
    ['what no region looks like', `${AWS4}us%2Feast/bedrock/aws4_request${REST}`],
    ['one that is too long', `${AWS4}${'a'.repeat(33)}/bedrock/aws4_request${REST}`],
    ['a second header', ['Bearer x', `${AWS4}us-east-1/bedrock/aws4_request${REST}`]],
  ])('is not told with %s', async (_what, authorization) => {
    expect(await told(authorization)).toBeUndefined();
  });
});
