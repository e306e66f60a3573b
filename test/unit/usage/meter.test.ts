import { describe, expect, it } from 'vitest';

import type { Usage } from '../../../src/usage/reading.ts';
import { EVENT_STREAM, SERVER_SENT_EVENTS as SSE } from '../../emulators/bedrock/answer.ts';
import type { Operation } from '../../emulators/bedrock/operations.ts';
import { totalTokens } from '../../emulators/bedrock/tokens.ts';
import { cut, emulated, feed, JSON_BODY, meterOf, usageOf, usageOfJson } from '../../support/usage-feed.ts';

const CACHED = { cachePoint: { type: 'default' }, more: { cachePoint: { type: 'default', ttl: '1h' } } };
const THOUGHT = { prompt_cache_key: 'k', reasoning_effort: 'high', reasoning: { effort: 'high' } };
const ANSWERS: [string, Operation, object][] = [
  ['Converse', 'Converse', CACHED],
  ['ConverseStream', 'ConverseStream', CACHED],
  ['InvokeModel, Anthropic', 'InvokeModel', { anthropic_version: 'bedrock-2023-05-31', ...CACHED }],
  ['InvokeModel, Nova', 'InvokeModel', { messages: [], ...CACHED }],
  ['InvokeModel, Llama', 'InvokeModel', { prompt: 'Hello' }],
  ['InvokeModel, Mistral', 'InvokeModel', { prompt: 'Hello', max_tokens: 9 }],
  ['InvokeModel, Cohere', 'InvokeModel', { message: 'Hello' }],
  ['InvokeModel, Cohere embeddings', 'InvokeModel', { texts: ['Hello'], input_type: 'search_query' }],
  ['InvokeModel, Titan embeddings', 'InvokeModel', { inputText: 'Hello', dimensions: 4 }],
  [
    'invoked stream, Anthropic',
    'InvokeModelWithResponseStream',
    { anthropic_version: 'bedrock-2023-05-31', ...CACHED },
  ],
  ['invoked stream, Nova', 'InvokeModelWithResponseStream', { messages: [], ...CACHED }],
  ['invoked stream, Llama', 'InvokeModelWithResponseStream', { prompt: 'Hello' }],
  ['invoked stream, Mistral', 'InvokeModelWithResponseStream', { prompt: 'Hello', max_tokens: 9 }],
  ['invoked stream, Cohere', 'InvokeModelWithResponseStream', { message: 'Hello' }],
  ['chat', 'ChatCompletions', { model: 'm', ...THOUGHT }],
  ['chat stream', 'ChatCompletions', { model: 'm', stream: true, stream_options: { include_usage: true }, ...THOUGHT }],
  ['response', 'Responses', { model: 'm', ...THOUGHT }],
  ['response stream', 'Responses', { model: 'm', stream: true, ...THOUGHT }],
  ['message', 'Messages', { model: 'm', system: [{ cache_control: { type: 'ephemeral' } }] }],
  ['message stream', 'Messages', { model: 'm', stream: true, system: [{ cache_control: { type: 'ephemeral' } }] }],
];

describe.each(ANSWERS)('%s', (_name, operation, body) => {
  const { headers, bytes, tokens } = emulated(operation, body);
  if (tokens === undefined) throw new Error('an answer without tokens');
  const streamed = headers['content-type'] !== JSON_BODY['content-type'];
  const inHeaders = headers['x-amzn-bedrock-input-token-count'] !== undefined;
  const expected = {
    // An answer need not tell of what there was none.
    ...Object.fromEntries(Object.entries(tokens).filter(([, count]) => count > 0)),
    totalTokens: totalTokens(tokens),
    source: inHeaders ? 'headers' : streamed ? 'stream' : 'body',
  };

  it('is counted as it was given out, split at every offset', () => {
    const before = Buffer.from(bytes);
    const found = new Set<string>();
    for (let at = 0; at <= bytes.length; at += 1) {
      const meter = meterOf(operation, headers);
      const complete = feed(meter, headers, [bytes.subarray(0, at), bytes.subarray(at)]);
      found.add(JSON.stringify({ seen: meter.firstTokenSeen, ...meter.end(complete) }));
    }
    const [usage = '', ...others] = found;
    expect(others).toStrictEqual([]);
    expect(JSON.parse(usage)).toMatchObject({ ...expected, seen: streamed });
    expect(usage).not.toMatch(/partial|unknown/);
    expect(bytes.equals(before)).toBe(true);
  });

  it.each([1, 2, 3, 5, 11, 12, 13, 17, 64])('in pieces of %i that respect no message', (size) => {
    expect(usageOf(operation, headers, cut(bytes, size))).toMatchObject(expected);
  });

  it('is partial, cut or right, but never wrong, when it is cut at any offset', () => {
    const honest = (usage: Usage): boolean => {
      if (usage.unknown !== undefined) return usage.unknown === 'cut' && !inHeaders;
      if (usage.partial === undefined) return usage.totalTokens === expected.totalTokens;
      const outputIsSoFar = usage.outputTokens === undefined || usage.outputTokens <= tokens.outputTokens;
      return usage.inputTokens === tokens.inputTokens && outputIsSoFar && usage.totalTokens === undefined;
    };
    const usages = Array.from(bytes, (_byte, at) => usageOf(operation, headers, [bytes.subarray(0, at)], false));
    expect(usages.filter((usage) => !honest(usage))).toStrictEqual([]);
  });
});

describe('where the answer is told apart', () => {
  it.each(['ApplyGuardrail', 'InvokeGuardrailChecks', 'GetAsyncInvoke', 'ListAsyncInvokes'])(
    '%s uses no tokens',
    (operation) => {
      expect(usageOfJson(operation, { usage: { inputTokens: 1, outputTokens: 1 } })).toStrictEqual({});
    },
  );

  it('StartAsyncInvoke has a model work, and tells none', () => {
    expect(usageOfJson('StartAsyncInvoke', { invocationArn: 'a' })).toStrictEqual({
      unknown: 'not told by this operation',
    });
  });

  it.each([
    ['CountTokens', { inputTokens: 14 }],
    ['CountMessageTokens', { input_tokens: 14 }],
  ])('what %s counts costs nothing', (operation, body) => {
    expect(usageOfJson(operation, body)).toStrictEqual({ countedInputTokens: 14, source: 'body' });
  });

  it.each([
    ['an error', { message: 'no' }],
    ['null', null],
    ['text', 'usage'],
    ['a list', [{ usage: { inputTokens: 1 } }]],
    ['numbers that are none', { usage: { inputTokens: -1, outputTokens: 1.5, totalTokens: '5', input_tokens: null } }],
  ])('%s tells no usage', (_name, body) => {
    expect(usageOfJson('Converse', body)).toStrictEqual({ unknown: 'no usage in the answer' });
  });

  it('an empty body, half a body and a compressed one', () => {
    const half = Buffer.from('{"usage":{"inputTokens":1');
    expect(usageOf('Converse', JSON_BODY, [])).toStrictEqual({ unknown: 'no usage in the answer' });
    expect(usageOf('Converse', JSON_BODY, [half])).toStrictEqual({ unknown: 'answer not understood: not JSON' });
    expect(usageOf('Converse', JSON_BODY, [half], false)).toStrictEqual({ unknown: 'cut' });
    const gzip = { ...JSON_BODY, 'content-encoding': 'gzip' };
    expect(usageOf('Converse', gzip, [half])).toStrictEqual({ unknown: 'answer not understood: compressed' });
  });

  it('a chat that was not asked for its usage does not tell it', () => {
    const { bytes } = emulated('ChatCompletions', { model: 'm', stream: true });
    expect(usageOf('ChatCompletions', SSE, [bytes])).toStrictEqual({
      unknown: 'no usage in the answer',
    });
  });

  it.each([
    ['no number', { 'x-amzn-bedrock-input-token-count': 'many' }],
    ['twice', { 'x-amzn-bedrock-input-token-count': ['1', '2'] }],
    ['negative', { 'x-amzn-bedrock-input-token-count': '-1' }],
    ['endless', { 'x-amzn-bedrock-input-token-count': '9'.repeat(40) }],
  ])('a header that is %s is not believed', (_name, headers) => {
    const usage = usageOfJson('InvokeModel', { inputTextTokenCount: 7 }, { ...JSON_BODY, ...headers });
    expect(usage).toStrictEqual({ inputTokens: 7, totalTokens: 7, source: 'body' });
  });
});

describe('the first token', () => {
  it.each([
    ['ConverseStream', { messages: [] }, 2],
    ['InvokeModelWithResponseStream', { anthropic_version: 'x' }, 3],
    ['InvokeModelWithResponseStream', { messages: [] }, 2],
    ['InvokeModelWithResponseStream', { prompt: 'x' }, 1],
    ['ChatCompletions', { model: 'm', stream: true }, 2],
    ['Responses', { model: 'm', stream: true }, 5],
    ['Messages', { model: 'm', stream: true }, 4],
  ] as const)('of %s %j is in event %i', (operation, body, position) => {
    const { parts, headers } = emulated(operation, body);
    const meter = meterOf(operation, headers);
    const seen = parts.map((part) => {
      meter.read([part]);
      return meter.firstTokenSeen;
    });
    expect(seen.indexOf(true) + 1).toBe(position);
    expect(seen.lastIndexOf(false) + 2).toBe(position);
  });

  it('is nothing that an answer without a stream has', () => {
    const { bytes, headers } = emulated('Converse', {});
    const meter = meterOf('Converse', headers);
    meter.read([bytes]);
    expect(meter.firstTokenSeen).toBe(false);
  });

  it('tool calls and reasoning are tokens too', () => {
    for (const delta of [{ tool_calls: [{ index: 0 }] }, { reasoning_content: 'Hm' }, { refusal: 'No' }]) {
      const meter = meterOf('ChatCompletions', SSE);
      meter.read([Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`)]);
      expect(meter.firstTokenSeen).toBe(true);
    }
  });
});

describe('nothing but the usage is kept', () => {
  it.each([
    ['ConverseStream', EVENT_STREAM],
    ['ChatCompletions', SSE],
    ['Converse', JSON_BODY],
  ])('of %s', (operation, headers) => {
    const secret = 'the text of the answer';
    const usage = usageOf(operation, headers, [Buffer.from(`{"message":"${secret}`), Buffer.from('\n\n')]);
    expect(JSON.stringify(usage)).not.toContain(secret);
  });
});
