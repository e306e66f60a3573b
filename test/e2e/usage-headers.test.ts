import type { IncomingHttpHeaders } from 'node:http';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { addUsageHeaders } from '../../src/usage/headers.ts';
import { type Answer, plain, sendAnswer } from '../emulators/bedrock/answer.ts';
import { cutAt, fail } from '../emulators/bedrock/faults.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { begin, call, recordOf } from '../support/chain-calls.ts';
import { modelId as model } from '../support/models.ts';

const KINDS = ['input', 'output', 'total', 'cache-read-input', 'cache-write-input'];
const chat = { model, max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] };
const cached = { messages: [{ role: 'user', content: [{ text: 'hello' }, { cachePoint: { type: 'default' } }] }] };

let chain: Chain;
beforeAll(async () => {
  chain = await startChain();
});
afterAll(() => chain.close());
afterEach(() => chain.bedrock.reset());

async function callForUsage(path: string, body: object = {}) {
  const { answer, record } = await call(chain, path, { body });
  return { ...answer, usage: usageIn(answer.headers), record };
}

/** What the headers tell, by kind. */
function usageIn(headers: IncomingHttpHeaders): Record<string, number> {
  const values = KINDS.map((kind) => [kind, headers[`x-bedrock-usage-${kind}-tokens`]] as const);
  return Object.fromEntries(values.flatMap(([kind, value]) => (value === undefined ? [] : [[kind, Number(value)]])));
}

/** What the record tells, under the names of the headers. */
function usageInRecord(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = ['inputTokens', 'outputTokens', 'totalTokens', 'cacheReadInputTokens', 'cacheWriteInputTokens'];
  const values = names.map((name, index) => [KINDS[index] ?? '', record[name]] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** Has Bedrock give this answer to the next call. */
function answerWith(answer: Answer): void {
  chain.bedrock.answer((_, response) => sendAnswer(response, answer));
}

describe('a whole answer tells its tokens in headers', () => {
  it.each([
    ['Converse', `/model/${model}/converse`, { messages: [] }],
    ['Converse with a cache', `/model/${model}/converse`, cached],
    ['InvokeModel, Anthropic', `/model/${model}/invoke`, { ...chat, anthropic_version: 'bedrock-2023-05-31' }],
    ['InvokeModel, Nova with a cache', `/model/${model}/invoke`, cached],
    ['InvokeModel, Llama', `/model/${model}/invoke`, { prompt: 'hello' }],
    ['InvokeModel, embeddings', `/model/${model}/invoke`, { inputText: 'hello' }],
    ['ChatCompletions', '/openai/v1/chat/completions', chat],
    ['Responses', '/openai/v1/responses', { model, input: 'hello' }],
    ['Messages', '/anthropic/v1/messages', chat],
  ])('%s: the same as the record', async (_name, path, body) => {
    const { usage, record } = await callForUsage(path, body);
    expect(usage['input']).toBeGreaterThan(0);
    expect(usage['total']).toBeGreaterThan(0);
    expect(usage).toStrictEqual(usageInRecord(record));
    expect(record).not.toHaveProperty('usagePartial');
  });

  it('kinds that are not told are absent, and a zero is a zero', async () => {
    answerWith(plain({ usage: { inputTokens: 7, outputTokens: 0 } }));
    expect((await callForUsage(`/model/${model}/converse`)).usage).toStrictEqual({ input: 7, output: 0, total: 7 });
    answerWith(plain({ usage: { outputTokens: 3 } }));
    expect((await callForUsage(`/model/${model}/converse`)).usage).toStrictEqual({ output: 3 });
  });

  it('of more than 1 MiB as well, where Bedrock tells them in headers of its own', async () => {
    const counts = { 'x-amzn-bedrock-input-token-count': '12', 'x-amzn-bedrock-output-token-count': '30' };
    answerWith(plain(Buffer.alloc(3 * 1024 * 1024, ' '), counts));
    const { usage, body, record } = await callForUsage(`/model/${model}/invoke`);
    expect(usage).toStrictEqual({ input: 12, output: 30, total: 42 });
    expect(body.length).toBe(3 * 1024 * 1024);
    expect(record).toMatchObject({ inputTokens: 12, outputTokens: 30, totalTokens: 42, usageSource: 'headers' });
  });

  it("a header of Bedrock's own stays", async () => {
    answerWith(plain({ usage: { inputTokens: 7, outputTokens: 3 } }, { 'x-bedrock-usage-input-tokens': '99' }));
    expect((await callForUsage(`/model/${model}/converse`)).usage).toStrictEqual({ input: 99, output: 3, total: 10 });
  });

  it('the bytes and the other headers are as without', async () => {
    const body = Buffer.from('{ "usage" : {"inputTokens":7,"outputTokens":3,"n":1e400} }');
    answerWith(plain(body, { 'x-amzn-bedrock-cache': 'x' }));
    const { body: received, headers } = await callForUsage(`/model/${model}/converse`);
    expect(received.equals(body)).toBe(true);
    expect(headers['x-amzn-bedrock-cache']).toBe('x');
    expect(headers['content-length']).toBe(String(body.length));
  });
});

describe('no header', () => {
  it.each([
    ['ConverseStream', `/model/${model}/converse-stream`, { messages: [] }],
    ['InvokeModelWithResponseStream', `/model/${model}/invoke-with-response-stream`, { messages: [] }],
    [
      'a chat stream',
      '/openai/v1/chat/completions',
      { ...chat, stream: true, stream_options: { include_usage: true } },
    ],
    ['a message stream', '/anthropic/v1/messages', { ...chat, stream: true }],
  ])('for %s: they have gone before the tokens are known', async (_name, path, body) => {
    const { usage, record } = await callForUsage(path, body);
    expect(usage).toStrictEqual({});
    expect(record['outputTokens']).toBeGreaterThan(0);
  });

  it('for what CountTokens counts: nothing was used', async () => {
    const { usage, record } = await callForUsage(`/model/${model}/count-tokens`, { input: {} });
    expect(usage).toStrictEqual({});
    expect(record['countedInputTokens']).toBeGreaterThan(0);
  });

  it('for other operations', async () => {
    answerWith(plain({ usage: { inputTokens: 7, outputTokens: 3 } }));
    expect((await callForUsage('/guardrail/abc/version/1/apply')).usage).toStrictEqual({});
  });

  it("for an error, of Bedrock's or the proxy's own", async () => {
    chain.bedrock.answer(
      fail(429, 'ThrottlingException', 'Too many tokens.', { 'x-amzn-bedrock-input-token-count': '5' }),
    );
    expect(await callForUsage(`/model/${model}/converse`)).toMatchObject({ status: 429, usage: {} });
    expect(await callForUsage('/model/a%20b/converse')).toMatchObject({ status: 400, usage: {} });
  });

  it('for an answer without usage, or one that is no JSON', async () => {
    answerWith(plain({ output: {} }));
    expect(await callForUsage(`/model/${model}/converse`)).toMatchObject({ status: 200, usage: {} });
    answerWith(plain(Buffer.from('{"usage":{"inputTokens":7')));
    const { usage, record } = await callForUsage(`/model/${model}/converse`);
    expect(usage).toStrictEqual({});
    expect(record).toMatchObject({ usageUnknown: 'answer not understood: not JSON' });
  });

  it('for an answer that was cut while it was held', async () => {
    chain.bedrock.answer(cutAt(20));
    expect(await callForUsage(`/model/${model}/converse`)).toMatchObject({ status: 503, usage: {} });
  });

  it('for a large answer that tells them in its body alone', async () => {
    answerWith(plain({ usage: { inputTokens: 7, outputTokens: 3 }, text: ' '.repeat(2 * 1024 * 1024) }));
    expect((await callForUsage(`/model/${model}/converse`)).usage).toStrictEqual({});
  });
});

it('a caller that leaves before it has the whole answer is recorded with all of its tokens', async () => {
  answerWith(plain({ usage: { inputTokens: 7, outputTokens: 3 }, text: ' '.repeat(900_000) }));
  const { request, response } = begin(chain, `/model/${model}/converse`);
  const answer = await response;
  request.destroy();
  const record = await recordOf(chain, answer);
  expect(record).toMatchObject({ inputTokens: 7, outputTokens: 3, totalTokens: 10, usageSource: 'body' });
  expect(record).not.toHaveProperty('usagePartial');
});

it('addUsageHeaders', () => {
  const headers: Record<string, string | string[]> = { 'x-bedrock-usage-total-tokens': '1', other: 'x' };
  addUsageHeaders(headers, {
    inputTokens: 1,
    outputTokens: 2,
    totalTokens: 3,
    cacheReadInputTokens: 4,
    cacheWriteInputTokens: 5,
    cacheWrite5mInputTokens: 5,
    reasoningTokens: 1,
  });
  expect(headers).toStrictEqual({
    other: 'x',
    'x-bedrock-usage-input-tokens': '1',
    'x-bedrock-usage-output-tokens': '2',
    'x-bedrock-usage-total-tokens': '1',
    'x-bedrock-usage-cache-read-input-tokens': '4',
    'x-bedrock-usage-cache-write-input-tokens': '5',
  });
});
