import { describe, expect, it } from 'vitest';

import type { AnswerFacts } from '../../../src/usage/answer-facts.ts';
import { createMeter } from '../../../src/usage/meter.ts';
import { EVENT_STREAM, SERVER_SENT_EVENTS as SSE } from '../../emulators/bedrock/answer.ts';
import { encodeEvent } from '../../emulators/bedrock/frames.ts';
import { chunk, cut, feed, JSON_BODY, meterOf, sse } from '../../support/usage-feed.ts';

type Headers = Readonly<Record<string, string>>;
type Told = Partial<Pick<AnswerFacts, 'serviceTier' | 'latencyMode' | 'stopReason' | 'guardrailAction'>>;

/** What an answer tells beside its tokens, however it is cut. */
function told(operation: string, headers: Headers, bytes: Buffer): Told {
  const [whole, ...others] = [[bytes], cut(bytes, 1), cut(bytes, 7), cut(bytes, 64)].map((pieces) => {
    const meter = meterOf(operation, headers);
    meter.end(feed(meter, headers, pieces));
    const { serviceTier, latencyMode, stopReason, guardrailAction } = meter.facts;
    const facts = Object.entries({ serviceTier, latencyMode, stopReason, guardrailAction });
    return Object.fromEntries(facts.filter(([, fact]) => fact !== undefined));
  });
  for (const other of others) expect(other).toStrictEqual(whole);
  return whole ?? {};
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const chunks = (events: readonly object[]) => Buffer.concat(events.map(chunk));
const usage = { input_tokens: 1, output_tokens: 2 };
const delta = { choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }], service_tier: 'auto' };
const anthropic = [
  { type: 'message_start', message: { stop_reason: null, usage: { ...usage, service_tier: 'standard' } } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
  { type: 'message_delta', delta: { stop_reason: 'max_tokens' }, usage },
  { type: 'message_stop', 'amazon-bedrock-guardrailAction': 'INTERVENED', 'amazon-bedrock-invocationMetrics': {} },
];

describe('a body', () => {
  it.each<[string, string, object, Told]>([
    [
      'Converse',
      'Converse',
      { stopReason: 'end_turn', serviceTier: { type: 'flex' }, performanceConfig: { latency: 'optimized' } },
      { stopReason: 'end_turn', serviceTier: 'flex', latencyMode: 'optimized' },
    ],
    [
      'Converse, stopped by a guardrail',
      'Converse',
      { stopReason: 'guardrail_intervened' },
      { stopReason: 'guardrail_intervened', guardrailAction: 'GUARDRAIL_INTERVENED' },
    ],
    [
      'Anthropic',
      'Messages',
      { type: 'message', stop_reason: 'refusal', usage: { ...usage, service_tier: 'priority' } },
      { stopReason: 'refusal', serviceTier: 'priority' },
    ],
    ['Llama', 'InvokeModel', { generation: 'Hi', stop_reason: 'length' }, { stopReason: 'length' }],
    ['Mistral', 'InvokeModel', { outputs: [{ text: 'Hi', stop_reason: 'stop' }] }, { stopReason: 'stop' }],
    ['Titan', 'InvokeModel', { results: [{ completionReason: 'FINISH' }] }, { stopReason: 'FINISH' }],
    ['Cohere', 'InvokeModel', { text: 'Hi', finish_reason: 'COMPLETE' }, { stopReason: 'COMPLETE' }],
    [
      'a guardrail over InvokeModel',
      'InvokeModel',
      { stop_reason: 'end_turn', 'amazon-bedrock-guardrailAction': 'NONE' },
      { stopReason: 'end_turn', guardrailAction: 'NONE' },
    ],
    [
      'chat',
      'ChatCompletions',
      { choices: [{ finish_reason: 'tool_calls' }], service_tier: 'default' },
      { stopReason: 'tool_calls', serviceTier: 'default' },
    ],
    [
      'chat, stopped by a guardrail',
      'ChatCompletions',
      { choices: [{ finish_reason: 'stop' }], 'amazon-bedrock-guardrailAction': 'INTERVENED' },
      { stopReason: 'stop', guardrailAction: 'GUARDRAIL_INTERVENED' },
    ],
    ['a response', 'Responses', { object: 'response', status: 'completed' }, { stopReason: 'completed' }],
    [
      'a response that is incomplete',
      'Responses',
      { object: 'response', status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
      { stopReason: 'max_output_tokens' },
    ],
    ['a response under way', 'Responses', { object: 'response', status: 'in_progress' }, {}],
    [
      'ApplyGuardrail',
      'ApplyGuardrail',
      { usage: {}, action: 'GUARDRAIL_INTERVENED', assessments: [] },
      { guardrailAction: 'GUARDRAIL_INTERVENED' },
    ],
    ['an action of a model', 'InvokeModel', { action: 'GUARDRAIL_INTERVENED' }, {}],
    [
      'what is no word',
      'Converse',
      { stopReason: 'as she told me', serviceTier: { type: 7 }, performanceConfig: [] },
      {},
    ],
    ['what is too long', 'Converse', { stopReason: 'x'.repeat(65) }, {}],
    ['lists that are empty', 'InvokeModel', { choices: [], outputs: [null], results: {} }, {}],
  ])('%s', (_name, operation, body, facts) => {
    expect(told(operation, JSON_BODY, json(body))).toStrictEqual(facts);
  });

  it('tells nothing that headers of InvokeModel tell in Bedrock’s words', () => {
    const headers = {
      ...JSON_BODY,
      'x-amzn-bedrock-service-tier': 'reserved',
      'x-amzn-bedrock-performanceconfig-latency': 'standard',
      'x-amzn-bedrock-input-token-count': '1',
    };
    const body = { stop_reason: 'end_turn', usage: { ...usage, service_tier: 'priority' } };
    expect(told('InvokeModel', headers, json(body))).toStrictEqual({
      serviceTier: 'reserved',
      latencyMode: 'standard',
      stopReason: 'end_turn',
    });
    expect(told('InvokeModel', headers, json({ embedding: [] }))).toMatchObject({ serviceTier: 'reserved' });
  });

  it('that is a stored response counts nothing, and tells the rest', () => {
    let charged: object | undefined;
    const meter = createMeter(undefined, { status: 200, headers: JSON_BODY }, (used) => {
      charged = used;
    });
    meter.read([json({ object: 'response', status: 'completed', model: 'openai.gpt-oss-20b-1:0', usage })]);
    expect(meter.end(true)).toStrictEqual({});
    expect(charged).toStrictEqual({});
    expect(meter.facts).toMatchObject({
      model: 'openai.gpt-oss-20b-1:0',
      stopReason: 'completed',
      errorType: undefined,
    });
  });
});

describe('a stream', () => {
  it.each<[string, string, Headers, Buffer, Told]>([
    [
      'ConverseStream',
      'ConverseStream',
      EVENT_STREAM,
      Buffer.concat([
        encodeEvent('contentBlockDelta', { delta: { text: 'stopReason' } }),
        encodeEvent('messageStop', { stopReason: 'guardrail_intervened', p: 'ab' }),
        encodeEvent('metadata', { serviceTier: { type: 'priority' }, performanceConfig: { latency: 'optimized' } }),
      ]),
      {
        stopReason: 'guardrail_intervened',
        guardrailAction: 'GUARDRAIL_INTERVENED',
        serviceTier: 'priority',
        latencyMode: 'optimized',
      },
    ],
    [
      'Anthropic, invoked',
      'InvokeModelWithResponseStream',
      EVENT_STREAM,
      chunks(anthropic),
      { serviceTier: 'standard', stopReason: 'max_tokens', guardrailAction: 'GUARDRAIL_INTERVENED' },
    ],
    [
      'Nova, invoked',
      'InvokeModelWithResponseStream',
      EVENT_STREAM,
      chunks([
        { contentBlockDelta: { delta: { text: 'Hi' } } },
        { contentBlockStop: {} },
        { messageStop: { stopReason: 'end_turn' } },
        { metadata: { usage: {} } },
      ]),
      { stopReason: 'end_turn' },
    ],
    [
      'Llama, invoked',
      'InvokeModelWithResponseStream',
      EVENT_STREAM,
      chunks([{ generation: 'Hi' }, { generation: '', stop_reason: 'stop' }]),
      { stopReason: 'stop' },
    ],
    [
      'Anthropic',
      'Messages',
      SSE,
      sse(anthropic),
      { serviceTier: 'standard', stopReason: 'max_tokens', guardrailAction: 'GUARDRAIL_INTERVENED' },
    ],
    [
      'chat without usage',
      'ChatCompletions',
      SSE,
      Buffer.concat([
        sse([delta, delta, { choices: [{ index: 0, delta: {}, finish_reason: 'length' }], service_tier: 'default' }]),
        Buffer.from('data: [DONE]\n\n'),
      ]),
      { stopReason: 'length', serviceTier: 'default' },
    ],
    [
      'a response',
      'Responses',
      SSE,
      sse([
        { type: 'response.created', response: { object: 'response', status: 'in_progress', service_tier: 'auto' } },
        { type: 'response.output_text.delta', delta: 'Hi' },
        {
          type: 'response.incomplete',
          response: {
            object: 'response',
            status: 'incomplete',
            incomplete_details: { reason: 'content_filter' },
            service_tier: 'flex',
            usage,
          },
        },
      ]),
      { stopReason: 'content_filter', serviceTier: 'flex' },
    ],
  ])('%s', (_name, operation, headers, bytes, facts) => {
    expect(told(operation, headers, bytes)).toStrictEqual(facts);
  });
});

describe('an error of AWS’s that comes with 200', () => {
  it('tells its type in a header', () => {
    const headers = { ...JSON_BODY, 'x-amzn-errortype': 'UnknownOperationException' };
    const meter = createMeter('used', { status: 200, headers });
    meter.read([json({ usage: { inputTokens: 1 } })]);
    expect(meter.end(true)).toStrictEqual({});
    expect(meter.facts.errorType).toBe('UnknownOperationException');
  });

  it.each([
    [{ Output: { __type: 'com.amazon.coral.service#UnknownOperationException' }, Version: '1.0' }],
    [{ __type: 'UnknownOperationException', message: 'no' }],
  ])('or in its body: %j', (body) => {
    const meter = createMeter('used', { status: 200, headers: JSON_BODY });
    meter.read([json(body)]);
    expect(meter.end(true)).toStrictEqual({});
    expect(meter.facts.errorType).toBe('UnknownOperationException');
  });
});

describe('an answer without a body', () => {
  it.each([200, 204, 302, 304])('of %i: no usage', (status) => {
    const meter = createMeter('used', { status, headers: { 'content-length': '0' } });
    expect(meter.end(true)).toStrictEqual({ unknown: 'no usage in the answer' });
    const counter = createMeter('counted', { status, headers: {} });
    expect(counter.end(true)).toStrictEqual({ unknown: 'no usage in the answer' });
  });
});
