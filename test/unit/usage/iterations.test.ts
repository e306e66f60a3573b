import { describe, expect, it } from 'vitest';

import { createMeter } from '../../../src/usage/meter.ts';
import { EVENT_STREAM, SERVER_SENT_EVENTS as SSE } from '../../emulators/bedrock/answer.ts';
import { chunk, JSON_BODY, sse, usageHoweverCut, usageOfJson } from '../../support/usage-feed.ts';

const entry = (type: string, input: number, output: number, more: object = {}) => ({
  type,
  input_tokens: input,
  output_tokens: output,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  ...more,
});
/** The example of Anthropic's page on compaction, with a cache in the run that sums up. */
const iterations = [
  entry('compaction', 180_000, 3500, {
    cache_read_input_tokens: 700,
    cache_creation_input_tokens: 30,
    cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
  }),
  entry('message', 23_000, 1000),
];
const usage = {
  input_tokens: 23_000,
  output_tokens: 1000,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  iterations,
};
const counts = {
  inputTokens: 203_000,
  outputTokens: 4500,
  totalTokens: 208_230,
  cacheReadInputTokens: 700,
  cacheWriteInputTokens: 30,
  cacheWrite5mInputTokens: 10,
  cacheWrite1hInputTokens: 20,
};
const answer = { type: 'message', model: 'claude-opus-4-6', stop_reason: 'end_turn', usage };
const events = [
  { type: 'message_start', message: { model: 'claude', usage: { input_tokens: 23_000, output_tokens: 1 } } },
  { type: 'content_block_delta', delta: { type: 'text_delta', text: 'x' } },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage },
  { type: 'message_stop' },
];

function headersOf(input: number, output: number, read: number, write: number) {
  return {
    ...JSON_BODY,
    'x-amzn-bedrock-input-token-count': String(input),
    'x-amzn-bedrock-output-token-count': String(output),
    'x-amzn-bedrock-cache-read-input-token-count': String(read),
    'x-amzn-bedrock-cache-write-input-token-count': String(write),
  };
}

function chunks(last: object): Buffer {
  const told = [...events.slice(0, -1), { ...events.at(-1), 'amazon-bedrock-invocationMetrics': last }];
  return Buffer.concat(told.map(chunk));
}

describe('what compaction has used is added', () => {
  it.each(['InvokeModel', 'Messages'])('in a body of %s', (operation) => {
    expect(usageOfJson(operation, answer)).toStrictEqual({ ...counts, source: 'body' });
  });

  it('in server-sent events', () => {
    expect(usageHoweverCut('Messages', SSE, sse(events))).toStrictEqual({ ...counts, source: 'stream' });
  });

  it.each([
    ['leave it out', headersOf(23_000, 1000, 0, 0)],
    ['have it', headersOf(203_000, 4500, 700, 30)],
  ])('to headers that %s', (_name, headers) => {
    expect(usageOfJson('InvokeModel', answer, headers)).toStrictEqual({ ...counts, source: 'headers' });
  });

  it.each([
    ['leave it out', { inputTokenCount: 23_000, outputTokenCount: 1000 }],
    [
      'have it',
      {
        inputTokenCount: 203_000,
        outputTokenCount: 4500,
        cacheReadInputTokenCount: 700,
        cacheWriteInputTokenCount: 30,
      },
    ],
  ])('to metrics of a stream that %s', (_name, metrics) => {
    const { cacheWrite5mInputTokens: _5m, cacheWrite1hInputTokens: _1h, ...kinds } = counts;
    expect(usageHoweverCut('InvokeModelWithResponseStream', EVENT_STREAM, chunks(metrics))).toMatchObject({
      ...kinds,
      source: 'stream',
    });
  });

  it('once, however often the list is told', () => {
    const twice = [...events.slice(0, 3), ...events.slice(2)];
    expect(usageHoweverCut('Messages', SSE, sse(twice))).toStrictEqual({ ...counts, source: 'stream' });
  });

  it('and to the budget', () => {
    let charged: object | undefined;
    const meter = createMeter('used', { status: 200, headers: JSON_BODY }, (used) => {
      charged = used;
    });
    meter.read([Buffer.from(JSON.stringify(answer))]);
    meter.end(true);
    expect(charged).toMatchObject(counts);
  });

  it.each([
    ['runs of other types', [entry('message', 23_000, 1000), entry('fallback_message', 5, 5)]],
    ['what is no list', { type: 'compaction', input_tokens: 5 }],
    ['entries that are none', [null, 'compaction', 7, { type: 'compaction', input_tokens: '5' }]],
  ])('but not %s', (_name, list) => {
    expect(usageOfJson('Messages', { ...answer, usage: { ...usage, iterations: list } })).toMatchObject({
      inputTokens: 23_000,
      outputTokens: 1000,
      totalTokens: 24_000,
    });
  });
});
