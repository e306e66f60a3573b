import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

import {
  AccessDeniedException,
  BedrockRuntimeClient,
  ConverseCommand,
  InvokeModelCommand,
  ModelTimeoutException,
  ServiceUnavailableException,
  ValidationException,
} from '@aws-sdk/client-bedrock-runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { controlled } from '../emulators/bedrock/controlled.ts';
import { closeBeforeHeaders, cutAfterHeaders, cutAt, fail, stall } from '../emulators/bedrock/faults.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { ask, begin, type CallOptions, type ReadAnswer } from '../support/chain-calls.ts';
import { manualClock } from '../support/manual-clock.ts';
import { converse, converseStream, modelId } from '../support/models.ts';
import { nextRecord } from '../support/records.ts';
import { waitUntil } from '../support/wait-until.ts';
import {
  DEADLINES_BY_HAND,
  passDeadlines,
  passDeadlinesUntil,
  thenPassDeadlines,
} from '../support/worker-deadlines.ts';

let chain: Chain;
/**
 * Those that give up waiting when a test says so: for an upload, for a Bedrock that is silent, and for one that is not done
 * in time.
 */
let uploads: Chain;
let attentive: Chain;
let hasty: Chain;
let client: BedrockRuntimeClient;
beforeAll(async () => {
  const silence = { UPSTREAM_HEADERS_TIMEOUT_SECONDS: '201', UPSTREAM_IDLE_TIMEOUT_SECONDS: '202' };
  const byHand = { nodeArguments: DEADLINES_BY_HAND };
  [chain, uploads, attentive, hasty] = await Promise.all([
    startChain({ settings: { MAX_REQUEST_BYTES: '100000', MAX_BUFFERED_BYTES: '200000' } }),
    // By its host an upload may dry up.
    startChain({ ...byHand, settings: { UPLOAD_TIMEOUT_SECONDS: '200' }, hostClock: manualClock() }),
    startChain({ ...byHand, settings: silence }),
    startChain({ ...byHand, settings: { FIRST_BYTE_DEADLINE_SECONDS: '210' } }),
  ]);
  client = new BedrockRuntimeClient({ ...chain.clientConfig(), maxAttempts: 1 });
});
afterAll(async () => {
  client.destroy();
  await Promise.all([chain, uploads, attentive, hasty].map((each) => each.close()));
});
afterEach(() => [chain, attentive, hasty].forEach(({ bedrock }) => bedrock.reset()));

/** Calls the Functions host as the gateway does, so that the function and not the policy has to refuse. */
async function callHost(path: string, { headers, ...options }: CallOptions = {}, called = chain) {
  const authorization = `Bearer ${await called.entra.issueToken()}`;
  return ask(called, path, { body: '{}', ...options, door: 'host', headers: { authorization, ...headers } });
}

/** Every refusal has the one form that AWS SDKs make typed exceptions of, beside what the dialect of its route needs. */
function expectRefusal(answer: ReadAnswer, status: number, errorType: string) {
  expect(answer).toMatchObject({ status });
  expect(answer.headers['x-amzn-errortype']).toBe(errorType);
  expect(answer.headers['x-amzn-requestid']).toBe(answer.headers['x-ms-invocation-id']);
  expect(answer.headers['content-type']).toBe('application/json');
  const mayPassLater = status === 429 || status === 503 || errorType === 'RequestTimeoutException';
  expect(answer.headers['x-should-retry']).toBe(String(mayPassLater));
  const { message, error = { message }, type: _, ...rest } = JSON.parse(String(answer.body));
  expect(rest).toStrictEqual({});
  expect(message).toMatch(/^[A-Z].*\.$/);
  expect(error.message).toBe(message);
  return message as string;
}

function sendConverse() {
  return client.send(new ConverseCommand({ modelId, messages: [] }));
}

describe('400 ValidationException', () => {
  it.each([
    '/model/a%2F..%2Fb/converse',
    '/model/a%5Cb/converse',
    '/model/a%01b/converse',
    '/model/caf%C3%A9/converse',
    '/model/a%20b/invoke',
    '/async-invoke/a%3Fb?maxResults=1',
  ])('%s', async (path) => {
    expectRefusal(await callHost(path, path.startsWith('/async') ? { body: null } : {}), 400, 'ValidationException');
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('a query that is not percent-encoded UTF-8', async () => {
    expectRefusal(await callHost('/async-invoke?nextToken=%FF', { body: null }), 400, 'ValidationException');
  });

  it('is typed in the SDK', async () => {
    const command = new ConverseCommand({ modelId: 'not a model', messages: [] });
    await expect(client.send(command)).rejects.toBeInstanceOf(ValidationException);
  });
});

describe('401 UnauthorizedException', () => {
  it('no token', async () => {
    expectRefusal(await ask(chain, converse, { door: 'host' }), 401, 'UnauthorizedException');
  });

  it('a forged token', async () => {
    const headers = { authorization: `Bearer ${await chain.entra.forge.foreignKey()}` };
    expectRefusal(await callHost(converse, { headers }), 401, 'UnauthorizedException');
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('an unknown subscription key, refused by the gateway in the same form', async () => {
    const answer = await ask(chain, converse, { key: 'x' });
    expect(answer.status).toBe(401);
    expect(answer.headers['x-amzn-errortype']).toBe('UnauthorizedException');
  });
});

describe('403 AccessDeniedException', () => {
  it('a caller that is not on the list', async () => {
    const token = await chain.entra.issueToken({ oid: '00000000-0000-0000-0000-000000000001' });
    const headers = { authorization: `Bearer ${token}` };
    expectRefusal(await callHost(converse, { headers }), 403, 'AccessDeniedException');
  });

  it.each([
    ['amazon.nova-*', converse, '{}'],
    ['amazon.nova-*', '/openai/v1/chat/completions', '{"model":"openai.gpt-oss-20b-1:0"}'],
    ['amazon.nova-*', '/anthropic/v1/messages', `{"model":"${modelId}"}`],
    ['amazon.nova-lite-v1:0', '/async-invoke', '{"modelId":"amazon.nova-reel-v1:0"}'],
    [modelId, '/anthropic/v1/messages', `{"model":"${modelId}","fallbacks":[{"model":"anthropic.claude-other"}]}`],
    [modelId, '/anthropic/v1/messages', `{"model":"${modelId}","tools":[{"type":"advisor","model":"claude-other"}]}`],
    [modelId, `/model/${modelId}/invoke`, '{"fallbacks":[{"model":"anthropic.claude-other"}],"messages":[]}'],
    [modelId, converse, '{"additionalModelRequestFields":{"tools":[{"model":"claude-other"}]},"messages":[]}'],
  ])('a model that is not among "%s": %s', async (models, path, body) => {
    const headers = { 'x-gateway-allowed-models': models };
    expectRefusal(await callHost(path, { headers, body }), 403, 'AccessDeniedException');
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it.each([
    ['amazon.nova-*, anthropic.*', converse, '{}'],
    ['*', '/openai/v1/chat/completions', '{"model":"openai.gpt-oss-20b-1:0","messages":[]}'],
    [
      'openai.gpt-oss-20b-1%3A0',
      '/openai/v1/chat/completions',
      '{"mod\\u0065l":"openai.gpt-oss-20b-1:0","messages":[]}',
    ],
    [`${modelId},b`, '/anthropic/v1/messages', `{"model":"${modelId}","fallbacks":[{"model":"b"}],"messages":[]}`],
    [modelId, `/model/${modelId}/invoke`, '{"tools":[{"input_schema":{"model":"any"}}],"messages":[]}'],
  ])('a model that is among "%s" passes', async (models, path, body) => {
    const answer = await callHost(path, { headers: { 'x-gateway-allowed-models': models }, body });
    expect(answer.status).toBe(200);
  });

  it.each([
    '{"model":"a","model":"amazon.nova"}',
    '{"Model":"a","model":"amazon.nova"}',
    '{"model":1}',
    '[]',
    'no JSON',
    '{"x":{"model":"amazon.nova"}}',
  ])('a body whose model cannot be told is refused: %s', async (body) => {
    const headers = { 'x-gateway-allowed-models': 'amazon.nova' };
    expectRefusal(await callHost('/openai/v1/responses', { headers, body }), 400, 'ValidationException');
  });
});

describe('503 for an order of the gateway that cannot be understood, and a line in the log', () => {
  const MALFORMED: Readonly<Record<string, readonly string[]>> = {
    'allowed-models': ['', ',', 'a,', '*a', 'a b', '%FF'],
    operations: ['', 'all', 'inference,', '%FF'],
    'model-aliases': ['', 'a', 'a*=b', 'a=b=c', '%FF'],
    budgets: ['', 'tokens', 'tokens/day=', 'tokens/year=5', 'cost/month=1e3', 'tokens/day=1,tokens/day=2', '%FF'],
    guardrail: ['', 'gr7abc123def', 'gr7abc123def:0', 'GR:1', '%FF'],
    'role-arn': ['', 'role', 'arn:aws:iam::1:role/a', '%FF'],
    region: ['', 'eu', 'us-east-1,', 'eu-west-1', '%FF'],
  };
  const rows = Object.entries(MALFORMED).flatMap(([name, values]) => values.map((value) => [name, value] as const));

  it.each(rows)('x-gateway-%s: %j', async (name, value) => {
    const header = `x-gateway-${name}`;
    for (const [path, body] of [
      [converse, '{}'],
      [`/model/${modelId}/count-tokens`, '{}'],
      ['/inference-profiles', null],
    ] as const) {
      const lines = chain.host.logs.length;
      const answer = await callHost(path, { headers: { [header]: value }, body });
      expectRefusal(answer, 503, 'ServiceUnavailableException');
      expect(JSON.parse(String(answer.body)).message, path).toContain(header);
      const isTold = () => chain.host.logs.slice(lines).some(({ message }) => message.includes('"bedrock.failure"'));
      await waitUntil(isTold, 5);
    }
    expect(chain.bedrock.requests).toHaveLength(0);
  });
});

describe('404 UnknownOperationException', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/custom-models'],
    ['GET', converse],
    ['PUT', converse],
    ['PATCH', converse],
    ['DELETE', '/async-invoke'],
    ['OPTIONS', converse],
    ['POST', '/health'],
    ['POST', '/model/a/converse/'],
    ['POST', '/Model/a/converse'],
  ])('%s %s', async (method, path) => {
    expectRefusal(
      await callHost(path, { method, body: method === 'GET' ? null : '{}' }),
      404,
      'UnknownOperationException',
    );
  });

  it('HEAD gets the same without a body', async () => {
    const answer = await callHost(converse, { method: 'HEAD', body: null });
    expect(answer).toMatchObject({ status: 404, body: Buffer.alloc(0) });
    expect(answer.headers['x-amzn-errortype']).toBe('UnknownOperationException');
  });
});

describe('408 RequestTimeoutException', () => {
  it('an upload that stops', async () => {
    const headers = { authorization: `Bearer ${await uploads.entra.issueToken()}` };
    const { request, response } = begin(uploads, converse, { door: 'host', headers, open: true });
    request.write('{"messages":');
    // The host hands over an answer when the upload has ended, which here is after its time.
    const refused = nextRecord(uploads.host, ({ status }) => status === 408);
    await passDeadlinesUntil(uploads.host, refused);
    request.end('[]}');
    const answer = await response;
    expect(answer.statusCode).toBe(408);
    expect(answer.headers['x-amzn-errortype']).toBe('RequestTimeoutException');
    expect(await text(answer)).toContain('too long');
    request.destroy();
  });
});

describe('413 RequestEntityTooLargeException', () => {
  it('by its length', async () => {
    const answer = await callHost(converse, { body: Buffer.alloc(100_001) });
    expectRefusal(answer, 413, 'RequestEntityTooLargeException');
    expect((await callHost(converse, { body: Buffer.alloc(100_000, ' ') })).status).not.toBe(413);
  });

  it('by counting', async () => {
    const headers = { authorization: `Bearer ${await chain.entra.issueToken()}` };
    const { request, response } = begin(chain, converse, { door: 'host', headers, open: true });
    request.write(Buffer.alloc(60_000));
    request.end(Buffer.alloc(60_000));
    const answer = await response;
    expect(answer.statusCode).toBe(413);
    request.destroy();
  });

  it('is told by name in the SDK', async () => {
    const command = new InvokeModelCommand({ modelId, body: Buffer.alloc(100_001) });
    await expect(client.send(command)).rejects.toMatchObject({ name: 'RequestEntityTooLargeException' });
  });
});

describe('501 NotImplementedException', () => {
  it('a bidirectional stream', async () => {
    const answer = await callHost(`/model/${modelId}/invoke-with-bidirectional-stream`);
    expectRefusal(answer, 501, 'NotImplementedException');
  });
});

describe('503 ServiceUnavailableException', () => {
  it('Bedrock closes the connection before its headers', async () => {
    chain.bedrock.answer(closeBeforeHeaders);
    expectRefusal(await callHost(converse), 503, 'ServiceUnavailableException');
    chain.bedrock.answer(closeBeforeHeaders);
    await expect(sendConverse()).rejects.toBeInstanceOf(ServiceUnavailableException);
    expect(chain.bedrock.requests).toHaveLength(2);
  });

  it.each([
    ['after its headers', cutAfterHeaders],
    ['inside a plain answer', cutAt(20)],
  ])('Bedrock breaks off %s', async (_name, fault) => {
    chain.bedrock.answer(fault);
    expectRefusal(await callHost(converse), 503, 'ServiceUnavailableException');
  });

  it('Bedrock breaks off inside the first event of a stream', async () => {
    chain.bedrock.answer(cutAt(10));
    expectRefusal(await callHost(converseStream), 503, 'ServiceUnavailableException');
  });

  it('too much is held already, and the calls under way go on', async () => {
    const held = controlled({ 'content-type': 'application/json' });
    chain.bedrock.answer(held.responder);
    const first = callHost(converse, { body: Buffer.alloc(1) });
    await held.send(Buffer.alloc(90_000, ' '));
    const second = await waitFor(async () => {
      const answer = await callHost(converse, { body: Buffer.alloc(90_000, ' ') });
      return answer.status === 503 ? answer : undefined;
    });
    expectRefusal(second, 503, 'ServiceUnavailableException');
    expect(second.headers['retry-after']).toBe('1');
    const told = `{"event":"bedrock.failure","requestId":"${second.headers['x-ms-invocation-id']}"`;
    await waitUntil(() => chain.host.logs.some(({ message }) => message.startsWith(told)));
    await held.send('{}');
    await held.end();
    expect((await first).status).toBe(200);
    // What was held is free again.
    expect((await callHost(converse, { body: '{"messages":[]}'.padEnd(90_000) })).status).toBe(200);
  });
});

describe('408 ModelTimeoutException', () => {
  const call = (path: string) => callHost(path, {}, attentive);
  const fallSilent = (phase: Parameters<typeof stall>[0]) =>
    attentive.bedrock.answer(thenPassDeadlines(attentive.host, stall(phase)));

  it('no headers in time', async () => {
    fallSilent('beforeHeaders');
    expectRefusal(await call(converse), 408, 'ModelTimeoutException');
    fallSilent('beforeHeaders');
    const sdk = new BedrockRuntimeClient({ ...attentive.clientConfig(), maxAttempts: 1 });
    await expect(sdk.send(new ConverseCommand({ modelId, messages: [] }))).rejects.toBeInstanceOf(
      ModelTimeoutException,
    );
    sdk.destroy();
  });

  it('silence inside a plain answer', async () => {
    fallSilent('midBody');
    expectRefusal(await call(converse), 408, 'ModelTimeoutException');
  });

  it('headers, but nothing of a stream', async () => {
    fallSilent('afterHeaders');
    expectRefusal(await call(converseStream), 408, 'ModelTimeoutException');
  });

  it('a plain answer that drips beyond the deadline of the first byte', async () => {
    const slow = controlled({ 'content-type': 'application/json' });
    hasty.bedrock.answer(slow.responder);
    const answer = callHost(converse, {}, hasty);
    for (let drop = 0; drop < 3; drop += 1) await slow.send(' ');
    await passDeadlines(hasty.host);
    expectRefusal(await answer, 408, 'ModelTimeoutException');
  });
});

describe('a refusal is in the dialect of its route', () => {
  const openai = (type: string, code: string) => ({
    error: { message: expect.any(String), type, code, param: null },
    message: expect.any(String),
  });
  const anthropic = (type: string) => ({
    type: 'error',
    error: { type, message: expect.any(String) },
    message: expect.any(String),
  });

  it.each<[string, string, CallOptions, number, object]>([
    [
      '401',
      '/openai/v1/chat/completions',
      { headers: { authorization: 'Bearer x' } },
      401,
      openai('authentication_error', 'invalid_api_key'),
    ],
    [
      '401',
      '/anthropic/v1/messages',
      { headers: { authorization: 'Bearer x' } },
      401,
      anthropic('authentication_error'),
    ],
    [
      '403',
      '/openai/v1/responses',
      { headers: { 'x-gateway-allowed-models': 'amazon.*' }, body: { model: 'openai.gpt' } },
      403,
      openai('permission_error', 'AccessDeniedException'),
    ],
    [
      '403',
      '/anthropic/v1/messages?beta=true',
      { headers: { 'x-gateway-allowed-models': 'amazon.*' }, body: { model: modelId } },
      403,
      anthropic('permission_error'),
    ],
    ['404', '/openai/v1/embeddings', {}, 404, openai('invalid_request_error', 'UnknownOperationException')],
    ['404', '/openai', {}, 404, openai('invalid_request_error', 'UnknownOperationException')],
    ['404', '/anthropic/v1/complete', {}, 404, anthropic('not_found_error')],
    [
      '413',
      '/openai/v1/responses',
      { body: Buffer.alloc(100_001) },
      413,
      openai('invalid_request_error', 'RequestEntityTooLargeException'),
    ],
    ['413', '/anthropic/v1/messages', { body: Buffer.alloc(100_001) }, 413, anthropic('request_too_large')],
    ['a path that is no UTF-8', '/openai/%FF', {}, 400, openai('invalid_request_error', 'ValidationException')],
  ])('%s of %s', async (_name, path, options, status, body) => {
    const answer = await callHost(path, options);
    expect(answer.status).toBe(status);
    expect(JSON.parse(String(answer.body))).toStrictEqual(body);
    expect(answer.headers['x-should-retry']).toBe('false');
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it.each([
    ['/openai/v1/chat/completions', openai('server_error', 'ServiceUnavailableException')],
    ['/anthropic/v1/messages', anthropic('api_error')],
  ])('a connection to Bedrock that fails, of %s', async (path, body) => {
    chain.bedrock.answer(closeBeforeHeaders);
    const answer = await callHost(path, { body: { model: modelId, messages: [] } });
    expect(JSON.parse(String(answer.body))).toStrictEqual(body);
    expect(answer.headers['x-should-retry']).toBe('true');
  });

  it("Bedrock's own errors are not touched", async () => {
    chain.bedrock.answer(fail(429, 'ThrottlingException', 'Slow down.'));
    const answer = await callHost('/openai/v1/responses', { body: { model: modelId, input: '' } });
    expect(JSON.parse(String(answer.body))).toStrictEqual({ message: 'Slow down.' });
    expect(answer.headers).not.toHaveProperty('x-should-retry');
  });
});

it('the SDK gets AccessDeniedException as its own class', async () => {
  const other = await startChain({ settings: { ENTRA_ALLOWED_CALLERS: '00000000-0000-0000-0000-000000000001' } });
  const denied = new BedrockRuntimeClient({ ...other.clientConfig(), maxAttempts: 1 });
  await expect(denied.send(new ConverseCommand({ modelId, messages: [] }))).rejects.toBeInstanceOf(
    AccessDeniedException,
  );
  denied.destroy();
  await other.close();
});

it('a request line that is no HTTP is answered and closed', async () => {
  const socket = connect(chain.host.port, '127.0.0.1');
  socket.write('BREW /pot HTCPCP/1.0\r\n\r\n');
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
});

async function waitFor<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
  }
}
