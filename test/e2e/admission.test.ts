import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { type Chain, startChain } from '../emulators/chain.ts';
import { recordOf } from '../support/chain-calls.ts';
import { converse, modelId } from '../support/models.ts';

const canonical = converse.replaceAll(':', '%3A');

let chain: Chain;
beforeAll(async () => {
  chain = await startChain();
});
afterAll(() => chain.close());
afterEach(() => chain.bedrock.reset());

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Fields = readonly (readonly [name: string, value: string])[];

/** Posts with exactly these header lines, repeated ones included, to the door that `origin` names. */
async function post(origin: string, target: string, fields: Fields, body = '{"messages":[]}'): Promise<Answer> {
  const { hostname, port, pathname } = new URL(origin);
  const path = (pathname === '/' ? '' : pathname) + target;
  const length = ['content-length', String(Buffer.byteLength(body))];
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = ['host', 'proxy.example', ...length, ...fields.flat()];
    httpRequest({ hostname, port, path, method: 'POST', headers, agent: false }, resolve)
      .once('error', reject)
      .end(body);
  });
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

function bearer(token: string): Fields {
  return [['authorization', `Bearer ${token}`]];
}

async function admitted(): Promise<Fields> {
  return bearer(await chain.entra.issueToken());
}

/** A good token for the client id of the application, which the settings name as audience. */
function issue({ entra }: Chain, version: 1 | 2): Promise<string> {
  return entra.issueToken({ aud: entra.appClientId }, { version });
}

function expectRefusal(answer: Answer, status: 401 | 403 | 503, errorType: string) {
  expect(answer.status).toBe(status);
  expect(answer.headers['x-amzn-errortype']).toBe(errorType);
  expect(Object.keys(JSON.parse(answer.body))).toStrictEqual(['message']);
}

function logged({ host }: Chain): string {
  return host.logs.map(({ message }) => message).join('\n');
}

describe('a token that is good', () => {
  it.each([1, 2] as const)('of version %i is admitted', async (version) => {
    const token = await issue(chain, version);
    const answer = await post(chain.host.url, converse, bearer(token));
    expect(answer.status).toBe(200);
    expect(chain.bedrock.requests).toMatchObject([{ verified: true, target: canonical }]);
    expect(JSON.stringify(chain.bedrock.requests[0]?.rawHeaders)).not.toContain(token);
  });

  it('is admitted whatever the case of the scheme and of the header', async () => {
    const token = await chain.entra.issueToken();
    expect((await post(chain.host.url, converse, [['AUTHORIZATION', `bearer  ${token}`]])).status).toBe(200);
  });

  it('of another object id is known, and denied', async () => {
    const token = await chain.entra.issueToken({ oid: '00000000-0000-0000-0000-000000000001' });
    expectRefusal(await post(chain.host.url, converse, bearer(token)), 403, 'AccessDeniedException');
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('does not admit by the subject where the object id is missing', async () => {
    const token = await chain.entra.issueToken({ oid: undefined, sub: chain.entra.callerObjectId });
    expectRefusal(await post(chain.host.url, converse, bearer(token)), 401, 'UnauthorizedException');
  });
});

describe('a token that is not good gets 401, whatever else the request says', () => {
  it.each<[string, () => Promise<string>]>([
    ['alg none', () => chain.entra.forge.unsigned()],
    ['HS256 with the public key as secret', () => chain.entra.forge.hmacWithPublicKey()],
    ['another key under a published id', () => chain.entra.forge.foreignKey()],
    ['another key under its own id', () => chain.entra.forge.unknownKey()],
    ['another issuer', () => chain.entra.issueToken({ iss: 'https://login.microsoftonline.com/common/v2.0' })],
    ['another audience', () => chain.entra.issueToken({ aud: 'https://management.azure.com' })],
    ['another tenant', () => chain.entra.issueToken({ tid: '72f988bf-86f1-41af-91ab-2d7cd011db47' })],
    ['expired', () => chain.entra.issueToken({}, { expiresInSeconds: -120 })],
    ['not valid yet', () => chain.entra.issueToken({}, { notBeforeInSeconds: 120 })],
    ['a signature cut off', async () => (await chain.entra.issueToken()).replace(/[^.]+$/, '')],
  ])('%s', async (_name, make) => {
    const token = await make();
    const answer = await post(chain.host.url, converse, [
      ...bearer(token),
      ['x-functions-key', chain.host.functionKey],
      ['x-ms-client-principal-id', chain.entra.callerObjectId],
      ['x-ms-client-principal', Buffer.from('{"auth_typ":"aad"}').toString('base64')],
      ['x-ms-token-aad-access-token', await chain.entra.issueToken()],
      ['x-gateway-subscription-id', 'somebody'],
      ['x-forwarded-for', '127.0.0.1'],
    ]);
    expectRefusal(answer, 401, 'UnauthorizedException');
    expect(chain.bedrock.requests).toHaveLength(0);
    expect(logged(chain)).not.toContain(token);
    const record = await recordOf(chain, answer);
    expect(record).toMatchObject({ outcome: 'refused', errorType: 'UnauthorizedException' });
    expect(record).not.toHaveProperty('subscriptionId');
    // Everybody in reach can send such a token: one line each, which says what is wrong with it.
    expect(record['tokenFault']).toMatch(/\w/);
    const ours = chain.host.logs.filter(
      ({ message }) => message.startsWith('{') && message.includes(String(record['requestId'])),
    );
    expect(ours).toHaveLength(1);
  });
});

describe('a good token in the wrong place gets 401', () => {
  it.each<[string, (token: string) => [query: string, fields: Fields]]>([
    ['two headers, both good', (token) => ['', [...bearer(token), ...bearer(token)]]],
    ['two headers, the second good', (token) => ['', [...bearer('a.b.c'), ...bearer(token)]]],
    ['two headers of different schemes', (token) => ['', [...bearer(token), ['Authorization', 'Basic eDp5']]]],
    ['two tokens in one header', (token) => ['', bearer(`${token}, Bearer ${token}`)]],
    ['text behind the token', (token) => ['', bearer(`${token} x`)]],
    ['no scheme', (token) => ['', [['authorization', token]]]],
    ['Basic', (token) => ['', [['authorization', `Basic ${Buffer.from(`x:${token}`).toString('base64')}`]]]],
    ['a scheme without token', () => ['', [['authorization', 'Bearer']]]],
    ['an empty header', () => ['', [['authorization', '']]]],
    ['no header', () => ['', []]],
    ['?access_token=', (token) => [`?access_token=${token}`, []]],
    ['?authorization=', (token) => [`?authorization=Bearer%20${token}`, []]],
    ['?Authorization=', (token) => [`?Authorization=Bearer%20${token}`, []]],
    ['?code=', (token) => [`?code=${token}`, []]],
    ['a cookie', (token) => ['', [['cookie', `AppServiceAuthSession=${token}`]]]],
    ['Proxy-Authorization', (token) => ['', [['proxy-authorization', `Bearer ${token}`]]]],
    ['X-Forwarded-Authorization', (token) => ['', [['x-forwarded-authorization', `Bearer ${token}`]]]],
    ['x-ms-token-aad-access-token', (token) => ['', [['x-ms-token-aad-access-token', token]]]],
    ['the master key', () => ['', [['x-functions-key', chain.host.masterKey]]]],
  ])('%s', async (_name, place) => {
    const token = await chain.entra.issueToken();
    const [query, fields] = place(token);
    const answer = await post(chain.host.url, converse + query, fields);
    expectRefusal(answer, 401, 'UnauthorizedException');
    expect(chain.bedrock.requests).toHaveLength(0);
    expect(logged(chain)).not.toContain(token);
  });
});

describe('the keys of the tenant', () => {
  it('are read once, however many unknown key ids come first', async () => {
    const fresh = await startChain();
    const flood = Array.from({ length: 40 }, async (_, index) => {
      const token = await fresh.entra.forge.unknownKey({ uti: String(index) });
      return (await post(fresh.host.url, converse, bearer(token))).status;
    });
    expect(new Set(await Promise.all(flood))).toStrictEqual(new Set([401]));
    expect(fresh.entra.requests).toHaveLength(1);
    expect((await post(fresh.host.url, converse, bearer(await fresh.entra.issueToken()))).status).toBe(200);
    expect(fresh.entra.requests).toHaveLength(1);
    await fresh.close();
  });

  it('go on in an outage of the key endpoint, for good tokens of both versions and against bad ones', async () => {
    const fresh = await startChain();
    const answerTo = async (token: Promise<string>) =>
      (await post(fresh.host.url, converse, bearer(await token))).status;
    expect(await answerTo(fresh.entra.issueToken())).toBe(200);
    fresh.entra.outage(true);
    expect(await answerTo(issue(fresh, 1))).toBe(200);
    expect(await answerTo(issue(fresh, 2))).toBe(200);
    expect(await answerTo(fresh.entra.forge.foreignKey())).toBe(401);
    expect(await answerTo(fresh.entra.forge.unknownKey())).toBe(401);
    await fresh.close();
  });

  it('missing from the start are a 503 for everybody, and nobody is let in; it recovers without a restart', async () => {
    const fresh = await startChain();
    fresh.entra.outage(true);
    for (const token of [await fresh.entra.issueToken(), await fresh.entra.forge.unsigned()]) {
      const answer = await post(fresh.host.url, converse, bearer(token));
      expect([401, 503]).toContain(answer.status);
    }
    const good = bearer(await fresh.entra.issueToken());
    expectRefusal(await post(fresh.host.url, converse, good), 503, 'ServiceUnavailableException');
    expect(fresh.bedrock.requests).toHaveLength(0);
    fresh.entra.outage(false);
    // The pause after a failed reading has to pass; a caller would try again as well.
    while ((await post(fresh.host.url, converse, good)).status === 503);
    expect((await post(fresh.host.url, converse, good)).status).toBe(200);
    expect(fresh.host.restarts).toBe(0);
    await fresh.close();
  });
});

/** What the request is, for Bedrock: all but the signature's own fields and its time. */
function essence({ bedrock }: Chain) {
  return bedrock.requests.map(({ method, target, headers, body, verified, signedHeaders }) => {
    const { authorization: _signature, 'x-amz-date': _date, ...rest } = headers;
    return { method, target, rest, body: body.toString(), verified, signedHeaders };
  });
}

/** The record without what differs from call to call. */
async function lasting(answer: Answer) {
  const fleeting = /^time$|RequestId$|^requestId$|Ms$/;
  return Object.fromEntries(Object.entries(await recordOf(chain, answer)).filter(([name]) => !fleeting.test(name)));
}

describe('what a client forges changes nothing', () => {
  const FORGED: [string, Fields][] = [
    ['x-ms-invocation-id', [['x-ms-invocation-id', '00000000-0000-0000-0000-000000000000']]],
    [
      'x-ms-client-principal*',
      [
        ['x-ms-client-principal', 'eyJhIjoxfQ=='],
        ['x-ms-client-principal-id', 'admin'],
        ['x-ms-client-principal-name', 'admin'],
        ['x-ms-client-principal-idp', 'aad'],
      ],
    ],
    ['half an x-ms-client-principal', [['x-ms-client-principal', '%%% no base64']]],
    [
      'x-ms-*',
      [
        ['x-ms-coldstart', '1'],
        ['x-ms-token-aad-id-token', 'x'],
        ['x-ms-request-id', 'x'],
      ],
    ],
    [
      'x-forwarded-*',
      [
        ['x-forwarded-for', '10.0.0.1'],
        ['x-forwarded-host', 'evil.example'],
        ['x-forwarded-proto', 'gopher'],
        ['x-forwarded-prefix', '/admin'],
        ['x-forwarded-port', '1'],
        ['forwarded', 'for=10.0.0.1;host=evil.example'],
      ],
    ],
    [
      'URLs in headers',
      [
        ['x-original-url', '/model/other/converse'],
        ['x-rewrite-url', '/model/other/converse'],
        ['x-waws-unencoded-url', '/model/other/converse'],
      ],
    ],
    [
      'methods in headers',
      [
        ['x-http-method-override', 'GET'],
        ['x-http-method', 'DELETE'],
        ['x-method-override', 'PUT'],
      ],
    ],
    [
      'hosts in headers',
      [
        ['x-host', 'evil.example'],
        ['disguised-host', 'evil.example'],
        ['was-default-hostname', 'x'],
      ],
    ],
    [
      'headers of a signature',
      [
        ['x-amz-date', '20200101T000000Z'],
        ['x-amz-content-sha256', 'UNSIGNED-PAYLOAD'],
        ['x-amz-security-token', 'stale'],
        ['x-amz-target', 'Other.Operation'],
        ['x-amz-decoded-content-length', '1'],
        ['x-amzn-requestid', 'mine'],
        ['x-amzn-errortype', 'mine'],
      ],
    ],
    [
      'headers of keys',
      [
        ['x-functions-key', 'x'],
        ['ocp-apim-subscription-key', 'x'],
        ['cookie', 'a=b'],
      ],
    ],
    ['names nominated by Connection', [['connection', 'keep-alive, authorization, content-type, x-gateway-user-id']]],
    [
      'names with underscores',
      [
        ['x_gateway_subscription_id', 'other'],
        ['x_amz_date', 'x'],
        ['content_type', 'x'],
      ],
    ],
  ];
  const TARGETS: [string, string][] = [
    ['?code=', '?code=stolen'],
    ['?Headers=', '?Headers=%7B%22x-gateway-subscription-id%22%3A%22other%22%7D'],
    ['?headers= (takes all away from the library)', '?headers=1'],
    ['?X-Amz-*=', '?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Signature=b&x%2Damz-date=c'],
    ['?api-key=&subscription-key=', '?api-key=a&Subscription-Key=b'],
  ];

  const gatewayFields: Fields = [
    ['x-gateway-subscription-id', 'true-one'],
    ['x-gateway-product-id', 'p'],
  ];
  let expected: { essence: ReturnType<typeof essence>; record: Record<string, unknown> };
  beforeAll(async () => {
    const answer = await post(chain.host.url, converse, [...(await admitted()), ...gatewayFields]);
    expected = { essence: essence(chain), record: await lasting(answer) };
    chain.bedrock.reset();
  });

  it('from what it is without', () => {
    expect(expected.essence).toMatchObject([{ target: canonical, verified: true }]);
    expect(expected.record).toMatchObject({ subscriptionId: 'true-one', operation: 'Converse', modelId, status: 200 });
  });

  it.each(FORGED)('by %s', async (_name, fields) => {
    const answer = await post(chain.host.url, converse, [...fields, ...(await admitted()), ...gatewayFields]);
    expect(answer.status).toBe(200);
    expect(essence(chain)).toStrictEqual(expected.essence);
    expect(await lasting(answer)).toStrictEqual(expected.record);
  });

  it.each(TARGETS)('by %s', async (_name, query) => {
    const answer = await post(chain.host.url, converse + query, [...(await admitted()), ...gatewayFields]);
    expect(answer.status).toBe(200);
    expect(essence(chain)).toStrictEqual(expected.essence.map((each) => ({ ...each, target: canonical })));
    expect(await lasting(answer)).toStrictEqual(expected.record);
  });

  it.each(['?PATH=/model/other/converse', '?path=health', '?Query=%7B%7D'])(
    'by %s, which belongs to nobody on the way: the operation has no such parameter',
    async (query) => {
      const answer = await post(chain.host.url, converse + query, [...(await admitted()), ...gatewayFields]);
      expect(answer.status).toBe(400);
      expect(essence(chain)).toStrictEqual([]);
    },
  );

  it('by a body with the names that the host reads', async () => {
    const body = JSON.stringify({
      messages: [],
      Headers: { authorization: 'none', 'x-gateway-subscription-id': 'other', 'x-gateway-allowed-models': '*' },
      Query: { code: 'x' },
      path: '/model/other/converse',
      req: {},
      sys: { MethodName: 'other' },
    });
    const answer = await post(chain.host.url, converse, [...(await admitted()), ...gatewayFields], body);
    expect(answer.status).toBe(200);
    expect(essence(chain)).toMatchObject([{ target: canonical, body }]);
    expect(await recordOf(chain, answer)).toMatchObject({ subscriptionId: 'true-one', modelId });
  });

  it('by a body or a query that would widen the list of models', async () => {
    const fields: Fields = [...(await admitted()), ['x-gateway-allowed-models', 'amazon.nova-*']];
    const forged = { 'x-gateway-allowed-models': '*' };
    const body = JSON.stringify({ messages: [], Headers: forged });
    const query = `?Headers=${encodeURIComponent(JSON.stringify(forged))}`;
    expectRefusal(await post(chain.host.url, converse, fields, body), 403, 'AccessDeniedException');
    expectRefusal(await post(chain.host.url, converse + query, fields), 403, 'AccessDeniedException');
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('two calls under one forged invocation id are kept apart', async () => {
    const forged: Fields = [['x-ms-invocation-id', 'same']];
    const fields = [...forged, ...(await admitted())];
    const other = '/model/amazon.nova-lite-v1:0/converse';
    const answers = await Promise.all([post(chain.host.url, converse, fields), post(chain.host.url, other, fields)]);
    expect(answers.map(({ status }) => status)).toStrictEqual([200, 200]);
    const records = await Promise.all(answers.map((answer) => recordOf(chain, answer)));
    expect(records.map((record) => record['modelId'])).toStrictEqual([modelId, 'amazon.nova-lite-v1:0']);
    expect(logged(chain)).not.toContain('"requestId":"same"');
  });
});

describe('through the gateway, who is calling is what the subscription says', () => {
  const IDENTITY = ['subscription-id', 'subscription-name', 'product-id', 'user-id', 'request-id', 'allowed-models'];

  it.each<[string, (name: string) => string]>([
    ['as they are', (name) => name],
    ['in capitals', (name) => name.toUpperCase()],
  ])('identity headers of the client, %s, do not count', async (_name, write) => {
    const forged: Fields = IDENTITY.map((name) => [write(`x-gateway-${name}`), 'forged']);
    // Twice, since a rule that takes away one line may leave another.
    const answer = await post(chain.gateway.url, converse, [
      ['api-key', chain.gateway.subscriptionKey],
      ...forged,
      ...forged,
    ]);
    expect(answer.status).toBe(200);
    const record = await recordOf(chain, answer);
    expect(record).toMatchObject({ subscriptionId: chain.gateway.subscriptions[0]?.id, modelId });
    expect(JSON.stringify(record)).not.toContain('forged');
    expect(JSON.stringify(essence(chain))).not.toContain('forged');
  });

  it.each<[string, Fields]>([
    ['a token of the client', [['authorization', 'Bearer forged']]],
    ['a function key of the client', [['x-functions-key', 'forged']]],
    ['an invocation id of the client', [['x-ms-invocation-id', 'forged']]],
  ])('%s takes the place of nothing', async (_name, fields) => {
    const answer = await post(chain.gateway.url, converse, [['api-key', chain.gateway.subscriptionKey], ...fields]);
    expect(answer.status).toBe(200);
    expect(JSON.stringify(essence(chain))).not.toContain('forged');
  });

  it('a good token of the tenant does not take the place of a subscription', async () => {
    expectRefusal(await post(chain.gateway.url, converse, await admitted()), 401, 'UnauthorizedException');
  });
});

describe('with function keys', () => {
  let keyed: Chain;
  beforeAll(async () => {
    keyed = await startChain({ callerAuth: 'functionKey' });
  });
  afterAll(() => keyed.close());
  afterEach(() => keyed.bedrock.reset());

  it.each<[string, () => [query: string, fields: Fields]]>([
    ['in the header', () => ['', [['x-functions-key', keyed.host.functionKey]]]],
    ['in the query', () => [`?code=${keyed.host.functionKey}`, []]],
    ['in the query, in another case and encoded', () => [`?%43ODE=${keyed.host.functionKey}`, []]],
    ['the master key, which opens every function', () => ['', [['x-functions-key', keyed.host.masterKey]]]],
    [
      'beside a token that is not good',
      () => [
        '',
        [
          ['x-functions-key', keyed.host.functionKey],
          ['authorization', 'Bearer forged'],
        ],
      ],
    ],
  ])('a good one is admitted and goes no further: %s', async (_name, place) => {
    const [query, fields] = place();
    const answer = await post(keyed.host.url, converse + query, fields);
    expect(answer.status).toBe(200);
    expect(keyed.bedrock.requests).toMatchObject([{ verified: true, target: canonical }]);
    await recordOf(keyed, answer);
    const seen = JSON.stringify(essence(keyed)) + logged(keyed) + answer.body + JSON.stringify(answer.headers);
    for (const secret of [keyed.host.functionKey, keyed.host.masterKey, 'forged']) expect(seen).not.toContain(secret);
  });

  it.each<[string, () => [query: string, fields: Fields, body?: string]]>([
    ['none', () => ['', []]],
    ['a wrong one', () => ['', [['x-functions-key', 'wrong']]]],
    ['an empty one', () => ['', [['x-functions-key', '']]]],
    ['a good one with a letter more', () => ['', [['x-functions-key', `${keyed.host.functionKey}x`]]]],
    [
      'a wrong header, which a good query does not mend',
      () => [`?code=${keyed.host.functionKey}`, [['x-functions-key', 'wrong']]],
    ],
    ['as a bearer token', () => ['', bearer(keyed.host.functionKey)]],
    ['by the name of the gateway', () => ['', [['api-key', keyed.host.functionKey]]]],
    ['a token of the tenant', () => ['', [['authorization', 'Bearer x.y.z']]]],
    [
      'in a forged header set, by the query',
      () => [`?Headers=${encodeURIComponent(JSON.stringify({ 'x-functions-key': keyed.host.functionKey }))}`, []],
    ],
    [
      'in a forged header set, by the body',
      () => [
        '',
        [],
        JSON.stringify({
          messages: [],
          code: keyed.host.functionKey,
          Headers: { 'x-functions-key': keyed.host.functionKey },
        }),
      ],
    ],
  ])('is refused by the host before the function hears of it: %s', async (_name, place) => {
    const [query, fields, body] = place();
    expect((await post(keyed.host.url, converse + query, fields, body)).status).toBe(401);
    expect(keyed.bedrock.requests).toHaveLength(0);
    // The record of a later call is there, so one of this call would be.
    const good: [string, string][] = [['x-functions-key', keyed.host.functionKey]];
    await recordOf(keyed, await post(keyed.host.url, converse, good));
    const records = keyed.host.logs.filter(({ message }) => message.startsWith('{"event":"bedrock.request"'));
    expect(records.filter(({ message }) => message.includes('"status":401'))).toHaveLength(0);
  });

  it('the gateway brings its own, and a client cannot put another in its place', async () => {
    const answer = await post(keyed.gateway.url, `${converse}?code=wrong`, [
      ['api-key', keyed.gateway.subscriptionKey],
      ['x-functions-key', 'wrong'],
    ]);
    expect(answer.status).toBe(200);
    expect(keyed.bedrock.requests).toMatchObject([{ verified: true, target: canonical }]);
  });
});
