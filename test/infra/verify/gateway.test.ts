import { createServer } from 'node:http';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { type Chain, startChain } from '../../emulators/chain.ts';
import type { Gateway } from '../../emulators/gateway/gateway.ts';
import { listen } from '../../support/listen.ts';
import { forwardTo } from './between.ts';
import { expectSaid, type Said } from './said.ts';
import { besides, EVENT_DELAY_MS, instead, NO_AZURE, statuses, verify, without } from './verified.ts';

let chain: Chain;
let gateway: Gateway | undefined;
beforeAll(async () => {
  chain = await startChain({ eventDelayMs: EVENT_DELAY_MS });
});
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
});
afterAll(() => chain.close());

const ALL_AFTER_11 = ['12', '13', '14', '15', '16', '17', '18', '19', '19b'];

/** A policy of somebody else's API, which has none of this one's refusals; `first` stands before all. */
function otherApi(first = ''): () => string {
  const inbound = `<base />${first}<set-backend-service backend-id="bedrock-proxy" />${TOKEN}`;
  return () =>
    `<policies><inbound>${inbound}</inbound><backend><forward-request /></backend>` +
    '<outbound><base /></outbound><on-error><base /></on-error></policies>';
}

const TOKEN = '<authentication-managed-identity resource="{{bedrock-proxy-audience}}" />';

const OTHER_POLICY = /^The API at this path has not the policy of this checkout/;

const REFUSE_WITHOUT_KEY = `
  <choose>
    <when condition='@(context.Request.Headers.GetValueOrDefault("api-key", "") == "")'>
      <return-response>
        <set-status code="401" reason="Unauthorized" />
        <set-header name="Content-Type" exists-action="override"><value>application/json</value></set-header>
        <set-header name="x-amzn-ErrorType" exists-action="override"><value>UnauthorizedException</value></set-header>
        <set-header name="x-amzn-RequestId" exists-action="override"><value>1</value></set-header>
        <set-header name="x-should-retry" exists-action="override"><value>false</value></set-header>
        <set-body>{"message":"No key."}</set-body>
      </return-response>
    </when>
  </choose>`;

describe('check 11', () => {
  it('says that nobody listens, and goes no further', async () => {
    const { url, close } = await listen(createServer());
    await close();
    const results = await verify({ url: `${url}/bedrock`, subscriptionKey: 'key' });
    expect(statuses(results)).toStrictEqual({ failed: ['11'], skipped: ALL_AFTER_11 });
    expectSaid(results, '11', {
      status: 'failed',
      evidence: 'no connection (ECONNREFUSED)',
      remedy: 'Mend host and port of the URL, or run this inside the network that the gateway is in.',
    });
    expect(results['19']).toMatchObject({ evidence: 'check 11 failed', blockedBy: '11' });
  });

  it('says that the host name is not known', async () => {
    const results = await verify({ url: 'http://gateway.invalid/bedrock', subscriptionKey: 'key' });
    expectSaid(results, '11', {
      status: 'failed',
      evidence: /^the host name is not known \(E/,
      remedy: 'Mend the host name of the URL.',
    });
  });

  it('says that the path of the API is missing', async () => {
    const results = await verify({ ...chain.gateway, url: chain.gateway.origin });
    expectSaid(results, '11', {
      status: 'failed',
      evidence: /^404 of neither policy nor function/,
      remedy: 'No API has this path: the URL must end with the path of the API, for instance /bedrock.',
    });
  });

  it('says that the policy is not this one', async () => {
    gateway = await besides(chain, { edit: otherApi() });
    const results = await verify(gateway);
    expectSaid(results, '11', {
      status: 'failed',
      evidence: /^401 of neither policy nor function/,
      remedy: OTHER_POLICY,
    });
  });

  it('says that calls need no key', async () => {
    gateway = await besides(chain, { edit: otherApi(), keys: { required: false } });
    const results = await verify(gateway);
    expectSaid(results, '11', {
      status: 'failed',
      evidence: /^200 of Bedrock, \d+ ms$/,
      remedy: /^The API lets calls pass without a valid key: set subscriptionRequired/,
    });
  });

  it('says that there is no answer', async () => {
    const silent = await listen(createServer(() => {}));
    const results = await verify({ url: silent.url, subscriptionKey: 'key' }, { timeoutMs: 300 });
    await silent.close();
    expectSaid(results, '11', {
      status: 'failed',
      evidence: 'no answer within 0.3 s',
      remedy: /^Run it again: the first call after a pause starts the app\./,
    });
  });

  it('says that the connection breaks', async () => {
    const rude = await listen(createServer((_, response) => response.destroy()));
    const results = await verify({ url: rude.url, subscriptionKey: 'key' });
    await rude.close();
    expectSaid(results, '11', {
      status: 'failed',
      evidence: 'the connection broke before an answer (ECONNRESET)',
      remedy: /^Look at what stands between here and the gateway/,
    });
  });

  it('says that the type of errors is lost', async () => {
    const edit = (policy: string) => policy.replaceAll('<value>application/json</value>', '<value>text/html</value>');
    gateway = await besides(chain, { edit });
    const results = await verify(gateway);
    expectSaid(results, '11', {
      status: 'failed',
      evidence: /^401 UnauthorizedException of the gateway.*; content-type text\/html$/,
      remedy: OTHER_POLICY,
    });
  });
});

describe('check 12', () => {
  it('says that any key passes', async () => {
    // The key is looked for under another name, and none is required there.
    const keys = { required: false, header: 'ocp-apim-subscription-key', bearer: false };
    const edit = otherApi(REFUSE_WITHOUT_KEY);
    gateway = await besides(chain, { keys, edit });
    const results = await verify(gateway, { only: ['11', '12', '13'] });
    expect(results['11']?.status).toBe('ok');
    expectSaid(results, '12', {
      status: 'failed',
      evidence: /^200 of Bedrock, \d+ ms$/,
      remedy: /^The API lets calls pass without a valid key: set subscriptionRequired/,
    });
    expect(results['13']).toMatchObject({ status: 'skipped', blockedBy: '12' });
  });
});

it('says that the routes of OpenAI are missing', async () => {
  gateway = await besides(chain, { operations: [{ method: 'POST', urlTemplate: '/model/*' }] });
  const results = await verify(gateway, { only: ['11', '12'] });
  expectSaid(results, '12', {
    status: 'failed',
    evidence: /^\/openai\/v1\/chat\/completions: 404 UnknownOperationException of the gateway/,
    remedy: 'The gateway has no such operation: its API is older than this checkout. Run `azd provision`.',
  });
});

it('says that clients repeat a wrong key for minutes, or are told nothing', async () => {
  const edit = (policy: string) => policy.replaceAll(/<set-header name="x-should-retry"[\s\S]*?<\/set-header>/g, '');
  gateway = await besides(chain, { edit });
  const results = await verify(gateway, { only: ['11'] });
  expectSaid(results, '11', {
    status: 'failed',
    evidence: /; no x-should-retry: false, so that some clients repeat it for minutes$/,
    remedy: OTHER_POLICY,
  });
  await gateway.close();
  gateway = await besides(chain, {
    edit: (policy) => policy.replaceAll('{\\"error\\":{\\"message\\":', '{\\"err\\":{\\"message\\":'),
  });
  const others = await verify(gateway, { only: ['11', '12'] });
  expectSaid(others, '12', {
    status: 'failed',
    evidence: '/openai/v1/chat/completions: the answer has no error.message, which the clients of this route show',
    remedy: 'The policy of the API is older than this checkout: azd provision.',
  });
});

describe('check 14', () => {
  it('says that bearer keys are not taken', async () => {
    gateway = await besides(chain, { keys: { bearer: false } });
    const results = await verify(gateway);
    expect(statuses(results)['failed']).toStrictEqual(['14']);
    expectSaid(results, '14', {
      status: 'failed',
      evidence: '401 as Authorization: Bearer, 200 as api-key',
      remedy: /^AWS_BEARER_TOKEN_BEDROCK and OpenAI clients need it/,
    });
  });

  it('takes them for left out where the deployment has it so', async () => {
    gateway = await besides(chain, { keys: { bearer: false } });
    const results = await verify(gateway, {
      azure: { ...NO_AZURE, environment: { ACCEPT_BEARER_KEY: 'false' } },
      only: ['11', '12', '13', '14'],
    });
    expectSaid(results, '14', { status: 'ok', evidence: /, as ACCEPT_BEARER_KEY=false has it$/ });
  });
});

describe('check 16', () => {
  const only = ['11', '12', '13', '16'];
  const STALE = /^The policy that is in effect is not that of infra\/gateway\/policies\/bedrock\.xml/;

  it('says that a forged order passes', async () => {
    gateway = await besides(chain, { edit: without('<set-header name="x-gateway-budgets" exists-action="delete" />') });
    const results = await verify(gateway, { only });
    expectSaid(results, '16', {
      status: 'failed',
      evidence: /^forged x-gateway-\* headers pass: 503 ServiceUnavailableException of the function/,
      remedy: STALE,
    });
  });

  it('says that a forged caller passes', async () => {
    const edit = (policy: string) =>
      without('<set-header name="x-gateway-product-id" exists-action="delete" />')(policy);
    gateway = await besides(chain, { edit });
    const results = await verify(gateway, { only });
    expectSaid(results, '16', {
      status: 'failed',
      evidence:
        'forged x-gateway-* headers pass: the function takes the caller for default of product forged-by-verify',
      remedy: STALE,
    });
  });

  it.each([
    ['a dot segment', instead('|(^|[/\\\\])\\.\\.?([/\\\\]|$)', '')],
    ['a header that is not ASCII', instead('character > 126', 'character > 255')],
  ])('warns when %s passes, and the host refuses it', async (what, edit) => {
    gateway = await besides(chain, { edit });
    const results = await verify(gateway, { only, timeoutMs: 5000 });
    expectSaid(results, '16', {
      status: 'warning',
      evidence: new RegExp(`^${what}: 40[04] of neither .* than the policy has refused it$`),
      remedy: STALE,
    });
  });

  it('warns when a length is not refused at once', async () => {
    const edit = instead('> long.Parse("{{bedrock-max-request-bytes}}")', '> 104857601');
    gateway = await besides(chain, { edit });
    const results = await verify(gateway, { only, timeoutMs: 5000 });
    expectSaid(results, '16', {
      status: 'warning',
      evidence: 'a body of 100 MiB: no answer within 5 s',
      remedy: /MAX_REQUEST_BYTES, which must get 413\.$/,
    });
  });

  it.each<[status: string, body: string, said: Said]>([
    [
      'ok',
      JSON.stringify({ statusCode: 400, message: 'Bad request' }),
      { status: 'ok', evidence: /, a header that is not ASCII 400$/ },
    ],
    [
      'warning',
      '<h1>Bad Request</h1>',
      {
        status: 'warning',
        evidence: /^a header that is not ASCII: 400 of neither .*; something else than the policy has refused it$/,
        remedy: STALE,
      },
    ],
  ])('is %s when it is refused before the policy in the form of %s', async (_, body, said) => {
    const pass = forwardTo(chain.gateway.origin);
    const front = await listen(
      createServer((request, response) => {
        if (request.headers['x-verify'] === undefined) pass(request, response);
        else response.writeHead(400).end(body);
      }),
    );
    const results = await verify({ ...chain.gateway, url: `${front.url}/bedrock` }, { only });
    await front.close();
    expectSaid(results, '16', said);
  });

  it('says that the API has operations for any path', async () => {
    gateway = await besides(chain, {
      operations: ['GET', 'POST'].map((method) => ({ method, urlTemplate: '/*' })),
    });
    const results = await verify(gateway, { only });
    expectSaid(results, '16', {
      status: 'failed',
      evidence: /^an unknown path: 404 UnknownOperationException of the function/,
      remedy: STALE,
    });
  });

  it('says that the API is older than this checkout', async () => {
    gateway = await besides(chain, {
      operations: [
        ...['model', 'openai', 'anthropic'].map((each) => ({ method: 'POST', urlTemplate: `/${each}/*` })),
        { method: 'GET', urlTemplate: '/health' },
      ],
    });
    const results = await verify(gateway, { only });
    expectSaid(results, '16', {
      status: 'failed',
      evidence: /^GET \/usage: 404 UnknownOperationException of the gateway/,
      remedy: 'The gateway has no such operation: its API is older than this checkout. Run `azd provision`.',
    });
  });

  it('warns of pages of any origin', async () => {
    const anyOrigin = createServer((request, response) => {
      const headers = request.method === 'OPTIONS' ? { 'access-control-allow-origin': '*' } : undefined;
      if (headers !== undefined) response.writeHead(200, headers).end();
      else forwardTo(chain.gateway.origin)(request, response);
    });
    const front = await listen(anyOrigin);
    const results = await verify({ ...chain.gateway, url: `${front.url}/bedrock` }, { only });
    await front.close();
    expectSaid(results, '16', {
      status: 'warning',
      evidence: 'CORS: pages of any origin may call (access-control-allow-origin *)',
      remedy: /^Name the origins in the statement cors of the policies/,
    });
  });
});
