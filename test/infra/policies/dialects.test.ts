import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';

import { startEchoBackend } from '../../emulators/gateway/echo-backend.ts';
import { call, productPolicy, TEAM, useHarness } from '../../emulators/gateway/harness.ts';
import type { Gateway } from '../../emulators/gateway/gateway.ts';
import { policyFile, readPolicy, replaceOnce } from '../../emulators/gateway/policy-file.ts';

const harness = useHarness();

const CHAT = '/openai/v1/chat/completions';
const MESSAGES = '/anthropic/v1/messages';

/** What the gateway refuses, in its inbound section and on error, and the words of each dialect for it. */
const REFUSALS: [number, string, string, string, Partial<Parameters<typeof call>[1]>][] = [
  [400, 'ValidationException', 'invalid_request_error', 'invalid_request_error', { headers: headers({ 'x-a': 'é' }) }],
  [401, 'UnauthorizedException', 'authentication_error', 'authentication_error', { headers: {} }],
  [403, 'AccessDeniedException', 'permission_error', 'permission_error', { headers: headers({ quota: 'out' }) }],
  [404, 'UnknownOperationException', 'invalid_request_error', 'not_found_error', { method: 'PUT' }],
  [413, 'RequestEntityTooLargeException', 'invalid_request_error', 'request_too_large', { body: 'x'.repeat(101) }],
  [429, 'ThrottlingException', 'rate_limit_error', 'rate_limit_error', { headers: headers({ rate: 'out' }) }],
  [500, 'InternalServerException', 'server_error', 'api_error', { headers: headers({ defect: 'yes' }) }],
];

function headers(more: Record<string, string>): Record<string, string> {
  return { 'api-key': TEAM.key, ...more };
}

/** A gateway in which a header brings about what a limit or a mistake would. */
function start(): Promise<Gateway> {
  const when = (name: string, statements: string) =>
    `<choose><when condition='@(context.Request.Headers.GetValueOrDefault("${name}", "") != "")'>${statements}</when></choose>`;
  const rules = [
    when('quota', '<ip-filter action="allow"><address>203.0.113.7</address></ip-filter>'),
    when('rate', '<rate-limit-by-key calls="1" renewal-period="60" counter-key="x" />'.repeat(2)),
    when('defect', '<set-variable name="x" value="@((string)context.Variables[&quot;none&quot;])" />'),
  ];
  return harness.start({
    productPolicy: productPolicy(rules.join('')),
    namedValues: { 'bedrock-max-request-bytes': '100' },
  });
}

describe('refusals in the dialect of the route', () => {
  it.each(REFUSALS)('%i %s', async (status, errorType, openaiType, anthropicType, request) => {
    const gateway = await start();
    const openai = await call(gateway, { target: CHAT, ...request });
    const { message } = JSON.parse(openai.body) as { message: string };
    expect(message).toMatch(/^\w[^]{10,}\.$/);
    const code = status === 401 ? 'invalid_api_key' : errorType;
    expect(JSON.parse(openai.body)).toStrictEqual({
      error: { message, type: openaiType, code, param: null },
      message,
    });
    const anthropic = await call(gateway, { target: MESSAGES, ...request });
    expect(JSON.parse(anthropic.body)).toStrictEqual({
      type: 'error',
      error: { type: anthropicType, message: expect.any(String) },
      message: expect.any(String),
    });
    for (const answer of [openai, anthropic]) {
      expect(answer).toMatchObject({
        status,
        headers: { 'x-amzn-errortype': errorType, 'x-should-retry': String(status === 429) },
      });
    }
  });

  it('503 and 408 of a backend that is gone or silent', async () => {
    const silent = await startEchoBackend();
    silent.answerWith(() => {});
    await using policy = await policyFile(replaceOnce(await readPolicy('bedrock.xml'), 'timeout="240"', 'timeout="0"'));
    const waiting = await harness.start({ backendUrl: silent.url, policy: policy.path });
    const timedOut = await Promise.all([CHAT, MESSAGES].map((target) => call(waiting, { target })));
    expect(timedOut.map(({ status, headers: own }) => [status, own['x-should-retry']])).toEqual([
      [408, 'false'],
      [408, 'false'],
    ]);
    expect(timedOut.map(({ body }) => (JSON.parse(body) as { error: { type: string } }).error.type)).toEqual([
      'invalid_request_error',
      'timeout_error',
    ]);
    await silent.close();
    const gone = await call(await harness.start({ backendUrl: silent.url }), { target: CHAT });
    expect(gone).toMatchObject({ status: 503, headers: { 'x-should-retry': 'true' } });
    expect(JSON.parse(gone.body)).toMatchObject({ error: { type: 'server_error' } });
  });

  it.each([
    ['/model/openai.gpt-oss-20b-1:0/converse', false],
    ['/model/openai/v1x/converse', false],
    ['//openai//v1/chat/completions', true],
  ])('of %s: %s', async (target, isOpenai) => {
    const { body } = await call(await harness.start(), { target, headers: {} });
    expect(Object.hasOwn(JSON.parse(body) as object, 'error')).toBe(isOpenai);
  });
});

/** What the real clients make of it, with their own retries. */
describe('the official clients', () => {
  const ask = {
    openai: (gateway: Gateway, apiKey: string, path = '') =>
      new OpenAI({ baseURL: `${gateway.url}/openai/v1${path}`, apiKey }).chat.completions.create({
        model: 'm',
        messages: [{ role: 'user', content: 'Hi' }],
      }),
    responses: (gateway: Gateway, apiKey: string, path = '') =>
      new OpenAI({ baseURL: `${gateway.url}/openai/v1${path}`, apiKey }).responses.create({ model: 'm', input: 'Hi' }),
    anthropic: (gateway: Gateway, authToken: string, path = '') =>
      new Anthropic({ baseURL: `${gateway.url}/anthropic${path}`, apiKey: null, authToken }).messages.create({
        model: 'm',
        max_tokens: 1,
        messages: [{ role: 'user', content: 'Hi' }],
      }),
  };

  it.each(Object.entries(ask))('%s tells what is wrong with a key, after one attempt', async (_name, create) => {
    const gateway = await harness.start();
    await expect(create(gateway, 'wrong')).rejects.toMatchObject({
      status: 401,
      message: expect.stringContaining('The subscription key is not valid for this API'),
    });
    expect(gateway.requests).toHaveLength(1);
  });

  it.each(Object.entries(ask))('%s tells what is wrong with a path, after one attempt', async (_name, create) => {
    const gateway = await harness.start({ operations: [{ method: 'POST', urlTemplate: '/model/*' }] });
    await expect(create(gateway, TEAM.key, '/')).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('This gateway serves Amazon Bedrock'),
    });
    expect(gateway.requests).toHaveLength(1);
  });

  it.each(Object.entries(ask))('%s does not pay a silent model again', async (_name, create) => {
    const silent = await startEchoBackend();
    silent.answerWith(() => {});
    await using policy = await policyFile(replaceOnce(await readPolicy('bedrock.xml'), 'timeout="240"', 'timeout="0"'));
    const gateway = await harness.start({ backendUrl: silent.url, policy: policy.path });
    await expect(create(gateway, TEAM.key)).rejects.toMatchObject({
      status: 408,
      message: expect.stringContaining('The model did not begin to answer in time.'),
    });
    expect(gateway.requests).toHaveLength(1);
    await silent.close();
  });
});
