import { describe, expect, it } from 'vitest';

import { createMeter } from '../../../src/usage/meter.ts';
import type { Usage } from '../../../src/usage/reading.ts';
import type { AnswerFacts } from '../../../src/usage/answer-facts.ts';
import { EVENT_STREAM, SERVER_SENT_EVENTS as SSE } from '../../emulators/bedrock/answer.ts';
import { encodeEvent, encodeException, encodeFrame } from '../../emulators/bedrock/frames.ts';
import type { Operation } from '../../emulators/bedrock/operations.ts';
import { chunk, cut, emulated, feed, JSON_BODY, meterOf, sse } from '../../support/usage-feed.ts';

type Headers = Readonly<Record<string, string>>;

/** What the meter has learned from an answer beside its tokens, and the usage it then tells. */
function told(operation: string, headers: Headers, pieces: readonly Buffer[]): { facts: AnswerFacts; usage: Usage } {
  const meter = meterOf(operation, headers);
  const complete = feed(meter, headers, pieces);
  return { usage: meter.end(complete), facts: meter.facts };
}

/** The same of a body in one piece; throws unless it is the same for the body cut in two at every offset. */
function toldHoweverCut(operation: string, headers: Headers, bytes: Buffer): ReturnType<typeof told> {
  const whole = told(operation, headers, [bytes]);
  const expected = JSON.stringify(whole);
  for (let at = 0; at <= bytes.length; at += 1) {
    const found = JSON.stringify(told(operation, headers, [bytes.subarray(0, at), bytes.subarray(at)]));
    if (found !== expected) throw new Error(`Cut at ${at}: ${found}; whole: ${expected}`);
  }
  return whole;
}

const STREAMS: [Operation, object][] = [
  ['ConverseStream', {}],
  ['InvokeModelWithResponseStream', { anthropic_version: 'bedrock-2023-05-31' }],
  ['InvokeModelWithResponseStream', { prompt: 'x' }],
  ['ChatCompletions', { model: 'm', stream: true }],
  ['Responses', { model: 'm', stream: true }],
  ['Messages', { model: 'm', stream: true }],
];

describe('the number of events', () => {
  it.each(STREAMS)('of %s %j, split at every offset', (operation, body) => {
    const { headers, parts, bytes } = emulated(operation, body);
    expect(toldHoweverCut(operation, headers, bytes).facts.events).toBe(parts.length);
    for (const size of [1, 2, 3, 7, 100])
      expect(told(operation, headers, cut(bytes, size)).facts.events).toBe(parts.length);
  });

  it.each(STREAMS)('of %s %j that is cut: those that were whole', (operation, body) => {
    const { headers, parts, bytes } = emulated(operation, body);
    const ends = parts.map((_, index) => Buffer.concat(parts.slice(0, index + 1)).length);
    for (let at = 0; at < bytes.length; at += 1) {
      const meter = meterOf(operation, headers);
      feed(meter, headers, [bytes.subarray(0, at)], false);
      meter.end(false);
      expect(meter.facts.events).toBe(ends.filter((end) => end <= at).length);
    }
  });

  it.each(['\n', '\r\n', '\r'])('whose lines end with %j', (end) => {
    const events = [{ choices: [] }, { choices: [], a: 1 }, { choices: [], usage: {} }];
    expect(toldHoweverCut('ChatCompletions', SSE, sse(events, end)).facts.events).toBe(3);
  });

  it('of a stream whose lines end in different ways: as the framer cuts them', () => {
    const { facts } = told('ChatCompletions', SSE, [Buffer.from('data: 1\n\ndata: 2\r\r')]);
    expect(facts.events).toBe(2);
  });

  it('those that are too long to be read count too', () => {
    const text = 'x'.repeat(2 * 1024 * 1024);
    const message = encodeEvent('contentBlockDelta', { text });
    const event = Buffer.from(`data: ${text}\n\n`);
    for (const [operation, headers, one] of [
      ['ConverseStream', EVENT_STREAM, message],
      ['ChatCompletions', SSE, event],
    ] as const) {
      const meter = meterOf(operation, headers);
      feed(meter, headers, cut(Buffer.concat([one, one]), 65_536));
      expect(meter.facts.events).toBe(2);
    }
  });
});

describe('the model as the answer calls it', () => {
  it.each<[string, Operation, object]>([
    ['Anthropic', 'InvokeModel', { anthropic_version: 'x' }],
    ['Anthropic, streamed', 'InvokeModelWithResponseStream', { anthropic_version: 'x' }],
    ['chat', 'ChatCompletions', { model: 'm' }],
    ['chat stream', 'ChatCompletions', { model: 'm', stream: true }],
    ['response', 'Responses', { model: 'm' }],
    ['response stream', 'Responses', { model: 'm', stream: true }],
    ['message', 'Messages', { model: 'm' }],
    ['message stream', 'Messages', { model: 'm', stream: true }],
  ])('%s', (_name, operation, body) => {
    const { headers, bytes } = emulated(operation, body);
    expect(toldHoweverCut(operation, headers, bytes).facts.model).toBe('model');
  });

  it.each<[string, Operation, object]>([
    ['Converse', 'Converse', {}],
    ['ConverseStream', 'ConverseStream', {}],
    ['Llama', 'InvokeModel', { prompt: 'x' }],
  ])('%s does not name it', (_name, operation, body) => {
    const { headers, bytes } = emulated(operation, body);
    expect(told(operation, headers, [bytes]).facts.model).toBeUndefined();
  });

  it.each([1, null, { id: 'm' }, ['m'], true])('is not %j', (model) => {
    const { facts } = told('InvokeModel', JSON_BODY, [Buffer.from(JSON.stringify({ model }))]);
    expect(facts.model).toBeUndefined();
  });

  it('is the one that a prompt router has chosen', () => {
    const invokedModelId = 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-v2:1';
    const answer = {
      usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
      trace: { promptRouter: { invokedModelId } },
    };
    const body = toldHoweverCut('Converse', JSON_BODY, Buffer.from(JSON.stringify(answer)));
    const stream = toldHoweverCut('ConverseStream', EVENT_STREAM, encodeEvent('metadata', answer));
    expect([body.facts.routedModelId, stream.facts.routedModelId]).toStrictEqual([invokedModelId, invokedModelId]);
  });
});

describe.each(['used', 'untold', undefined] as const)('a stream of an operation whose tokens are %s', (metering) => {
  const meterFor = () => createMeter(metering, { status: 200, headers: EVENT_STREAM });

  it('tells its events, and the exception that it ends with', () => {
    const meter = meterFor();
    feed(meter, EVENT_STREAM, [encodeEvent('chunk', {}), encodeException('throttlingException', 'Slow down.')]);
    const { totalTokens } = meter.end(true);
    expect(totalTokens).toBeUndefined();
    expect(meter.facts).toMatchObject({ events: 2, errorType: 'ThrottlingException' });
  });

  it('without an event was cut only where there are tokens to come', () => {
    expect(meterFor().endedWhole()).toBe(metering !== 'used');
  });
});

describe('an error that ends a stream', () => {
  const text = { choices: [{ index: 0, delta: { content: 'Hi' } }] };
  const delta = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } };
  const start = { type: 'message_start', message: { usage: { input_tokens: 3, output_tokens: 1 } } };
  const failed = { type: 'response.failed', response: { error: { code: 'server_error', message: 'no' } } };

  it.each<[string, string, Headers, Buffer, string]>([
    [
      'an exception',
      'ConverseStream',
      EVENT_STREAM,
      Buffer.concat([encodeEvent('contentBlockDelta', {}), encodeException('throttlingException', 'Slow down.')]),
      'ThrottlingException',
    ],
    [
      'an error that is not modelled',
      'ConverseStream',
      EVENT_STREAM,
      encodeFrame({ ':message-type': 'error', ':error-code': 'InternalFailure', ':error-message': 'no' }, ''),
      'InternalFailure',
    ],
    [
      'an error in a chunk',
      'InvokeModelWithResponseStream',
      EVENT_STREAM,
      chunk({ type: 'error', error: { type: 'overloaded_error', message: 'no' } }),
      'overloaded_error',
    ],
    ['OpenAI', 'ChatCompletions', SSE, sse([text, { error: { type: 'server_error', code: 'x' } }]), 'server_error'],
    [
      'OpenAI, and then the end',
      'ChatCompletions',
      SSE,
      Buffer.concat([sse([text, { error: { type: 'server_error' } }]), Buffer.from('data: [DONE]\n\n')]),
      'server_error',
    ],
    ['OpenAI by code', 'ChatCompletions', SSE, sse([text, { error: { message: 'no', code: 'x' } }]), 'x'],
    ['Responses', 'Responses', SSE, sse([{ type: 'response.output_text.delta' }, failed]), 'server_error'],
    [
      'Responses, an event of its own',
      'Responses',
      SSE,
      sse([{ type: 'response.output_text.delta' }, { type: 'error', code: 'rate_limit_exceeded', message: 'no' }]),
      'rate_limit_exceeded',
    ],
    [
      'Anthropic',
      'Messages',
      SSE,
      sse([delta, { type: 'error', error: { type: 'overloaded_error', message: 'no' } }]),
      'overloaded_error',
    ],
  ])('%s', (_name, operation, headers, bytes, errorType) => {
    const { facts, usage } = toldHoweverCut(operation, headers, bytes);
    expect(facts.errorType).toBe(errorType);
    expect(usage).toStrictEqual({ unknown: 'ended by an error' });
  });

  it('leaves what was known until then, as partial', () => {
    const { usage } = toldHoweverCut('Messages', SSE, sse([start, delta, { type: 'error', error: { type: 'x' } }]));
    expect(usage).toStrictEqual({ inputTokens: 3, source: 'stream', partial: true });
  });

  it('is not what a model writes about errors, nor a member that is null', () => {
    const said = { choices: [{ index: 0, delta: { content: '"error":{"type":"x"}, "type":"error"' } }], error: null };
    const { facts, usage } = told('ChatCompletions', SSE, [sse([text, said])]);
    expect(facts.errorType).toBeUndefined();
    expect(usage).toStrictEqual({ unknown: 'no usage in the answer' });
  });
});

describe('the type of an error in its body', () => {
  it.each([
    [{ __type: 'com.amazon.coral.service#ValidationException', message: 'no' }, 'ValidationException'],
    [{ code: 'ThrottlingException', message: 'no' }, 'ThrottlingException'],
    [{ error: { type: 'invalid_request_error', code: 'x', message: 'no' } }, 'invalid_request_error'],
    [{ type: 'error', error: { type: 'rate_limit_error', message: 'no' } }, 'rate_limit_error'],
    [{ message: 'no' }, undefined],
    [{ __type: 'a text that is no name' }, undefined],
    [{ __type: 7 }, undefined],
    [null, undefined],
  ])('%j', (body, errorType) => {
    const meter = createMeter('used', { status: 400, headers: JSON_BODY });
    meter.read(cut(Buffer.from(JSON.stringify(body)), 5));
    expect(meter.end(true)).toStrictEqual({});
    expect(meter.facts.errorType).toBe(errorType);
  });

  it.each(['', '<html>', 'x'.repeat(2 * 1024 * 1024)])('is not to be had of %.9s', (body) => {
    const meter = createMeter('used', { status: 400, headers: JSON_BODY });
    meter.read([Buffer.from(body)]);
    expect(meter.end(true)).toStrictEqual({});
    expect(meter.facts.errorType).toBeUndefined();
  });

  it('is not looked for where the headers tell it', () => {
    const headers = { ...JSON_BODY, 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/' };
    const meter = createMeter('used', { status: 429, headers });
    meter.read([Buffer.from('{"__type":"Other","usage":{"inputTokens":1}}')]);
    expect(meter.end(true)).toStrictEqual({});
    expect(meter.facts.errorType).toBe('ThrottlingException');
  });
});
