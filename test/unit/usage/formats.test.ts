import { describe, expect, it } from 'vitest';

import { EVENT_STREAM, SERVER_SENT_EVENTS as SSE } from '../../emulators/bedrock/answer.ts';
import { encodeEvent, encodeException, encodeFrame } from '../../emulators/bedrock/frames.ts';
import { chunk, JSON_BODY, sse, usageHoweverCut, usageOf, usageOfJson } from '../../support/usage-feed.ts';

const METRICS = { inputTokenCount: 9, outputTokenCount: 104, invocationLatency: 3407, firstByteLatency: 2440 };

function invoked(events: readonly object[], complete = true) {
  return usageHoweverCut('InvokeModelWithResponseStream', EVENT_STREAM, Buffer.concat(events.map(chunk)), complete);
}

function sent(operation: string, events: readonly object[], complete = true) {
  return usageHoweverCut(operation, SSE, sse(events), complete);
}

describe('bodies of InvokeModel without token headers', () => {
  it.each<[string, object, object]>([
    [
      'Anthropic, with caches of both lives and thinking',
      {
        type: 'message',
        content: [{ type: 'tool_use', input: { usage: { input_tokens: 99_999 } } }],
        usage: {
          input_tokens: 4,
          cache_creation_input_tokens: 30,
          cache_read_input_tokens: 200,
          cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
          output_tokens: 50,
          output_tokens_details: { thinking_tokens: 40 },
        },
      },
      {
        inputTokens: 4,
        outputTokens: 50,
        totalTokens: 284,
        cacheReadInputTokens: 200,
        cacheWriteInputTokens: 30,
        cacheWrite5mInputTokens: 10,
        cacheWrite1hInputTokens: 20,
        reasoningTokens: 40,
      },
    ],
    [
      'Nova',
      {
        output: { message: { role: 'assistant', content: [{ text: 'Hi' }] } },
        usage: {
          inputTokens: 8,
          outputTokens: 2,
          totalTokens: 10,
          cacheReadInputTokenCount: 0,
          cacheWriteInputTokenCount: 0,
        },
      },
      { inputTokens: 8, outputTokens: 2, totalTokens: 10, cacheReadInputTokens: 0, cacheWriteInputTokens: 0 },
    ],
    [
      'Llama',
      { generation: 'Hi', prompt_token_count: 5, generation_token_count: 7, stop_reason: 'stop' },
      { inputTokens: 5, outputTokens: 7, totalTokens: 12 },
    ],
    [
      "Mistral, DeepSeek, Qwen, gpt-oss and Jamba write OpenAI's",
      { choices: [{ message: {} }], usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 } },
      { inputTokens: 5, outputTokens: 7, totalTokens: 12 },
    ],
    [
      'Titan text',
      {
        inputTextTokenCount: 5,
        results: [
          { tokenCount: 3, outputText: 'a', completionReason: 'FINISH' },
          { tokenCount: 4, outputText: 'b', completionReason: 'FINISH' },
        ],
      },
      { inputTokens: 5, outputTokens: 7, totalTokens: 12 },
    ],
    ['Titan embeddings', { embedding: [0.1], inputTextTokenCount: 5 }, { inputTokens: 5, totalTokens: 5 }],
    ['Nova embeddings', { embeddings: [], inputTokenCount: 5 }, { inputTokens: 5, totalTokens: 5 }],
    [
      'Cohere Command R',
      { text: 'Hi', meta: { api_version: { version: '1' }, billed_units: { input_tokens: 5, output_tokens: 7 } } },
      { inputTokens: 5, outputTokens: 7, totalTokens: 12 },
    ],
    [
      'Cohere Command A: what is billed, not what its tokenizer counts',
      {
        usage: { billed_units: { input_tokens: 5, output_tokens: 7 }, tokens: { input_tokens: 71, output_tokens: 7 } },
      },
      { inputTokens: 5, outputTokens: 7, totalTokens: 12 },
    ],
    [
      'Cohere embeddings',
      { embeddings: [[0.1]], response_type: 'embeddings_floats', meta: { billed_units: { input_tokens: 5 } } },
      { inputTokens: 5, totalTokens: 5 },
    ],
  ])('%s', (_name, body, counts) => {
    expect(usageOfJson('InvokeModel', body)).toStrictEqual({ ...counts, source: 'body' });
  });

  it('Mistral text tells none', () => {
    expect(usageOfJson('InvokeModel', { outputs: [{ text: 'Hi', stop_reason: 'stop' }] })).toStrictEqual({
      unknown: 'no usage in the answer',
    });
  });
});

describe('headers of InvokeModel', () => {
  const headers = {
    ...JSON_BODY,
    'x-amzn-bedrock-input-token-count': '4',
    'x-amzn-bedrock-output-token-count': '50',
    'x-amzn-bedrock-cache-read-input-token-count': '200',
    'x-amzn-bedrock-cache-write-input-token-count': '30',
  };
  const counts = {
    inputTokens: 4,
    outputTokens: 50,
    totalTokens: 284,
    cacheReadInputTokens: 200,
    cacheWriteInputTokens: 30,
    source: 'headers',
  };

  it('win over the body, which adds how they divide', () => {
    const cache_creation = { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 };
    const usage = usageOfJson('InvokeModel', { usage: { input_tokens: 5, output_tokens: 5, cache_creation } }, headers);
    expect(usage).toStrictEqual({ ...counts, cacheWrite5mInputTokens: 10, cacheWrite1hInputTokens: 20 });
  });

  it('that count the cached input as input do not make it count twice', () => {
    const told = { ...JSON_BODY, 'x-amzn-bedrock-input-token-count': '284', 'x-amzn-bedrock-output-token-count': '50' };
    const usage = { prompt_tokens: 284, completion_tokens: 50, prompt_tokens_details: { cached_tokens: 200 } };
    expect(usageOfJson('InvokeModel', { choices: [], usage }, told)).toStrictEqual({
      inputTokens: 84,
      outputTokens: 50,
      totalTokens: 334,
      cacheReadInputTokens: 200,
      source: 'headers',
    });
  });

  it('need no body that can be read', () => {
    const long = Buffer.alloc(1024 * 1024 + 1, 'x');
    expect(usageOf('InvokeModel', headers, [long])).toStrictEqual(counts);
    expect(usageOf('InvokeModel', headers, [Buffer.from('"usage" is no JSON')])).toStrictEqual(counts);
    expect(usageOf('InvokeModel', { ...headers, 'content-encoding': 'gzip' }, [long])).toStrictEqual(counts);
    expect(usageOf('InvokeModel', headers, [], false)).toStrictEqual(counts);
  });
});

describe('Converse', () => {
  const usage = {
    inputTokens: 4,
    outputTokens: 50,
    totalTokens: 284,
    cacheReadInputTokens: 200,
    cacheWriteInputTokens: 30,
    cacheDetails: [
      { ttl: '1h', inputTokens: 20 },
      { ttl: '5m', inputTokens: 10 },
    ],
  };
  const counts = {
    inputTokens: 4,
    outputTokens: 50,
    totalTokens: 284,
    cacheReadInputTokens: 200,
    cacheWriteInputTokens: 30,
    cacheWrite5mInputTokens: 10,
    cacheWrite1hInputTokens: 20,
  };

  it('tells how the caches written divide', () => {
    expect(usageOfJson('Converse', { usage })).toStrictEqual({ ...counts, source: 'body' });
    const stream = [encodeEvent('messageStop', {}), encodeEvent('metadata', { usage, p: 'ab' })];
    expect(usageHoweverCut('ConverseStream', EVENT_STREAM, Buffer.concat(stream))).toStrictEqual({
      ...counts,
      source: 'stream',
    });
  });

  it('has written what it tells by its parts alone', () => {
    const { cacheWriteInputTokens: _sum, ...parts } = usage;
    expect(usageOfJson('Converse', { usage: parts })).toStrictEqual({ ...counts, source: 'body' });
  });

  it('tells no share of a life that nothing was written with', () => {
    expect(
      usageOfJson('Converse', { usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2, cacheDetails: [] } }),
    ).toStrictEqual({ inputTokens: 1, outputTokens: 1, totalTokens: 2, source: 'body' });
  });

  it('headers of a message in another order, and metadata that is not last', () => {
    const frame = encodeFrame(
      { ':message-type': 'event', ':content-type': 'application/json', ':event-type': 'metadata' },
      JSON.stringify({ usage }),
    );
    const delta = encodeFrame({ ':message-type': 'event', ':event-type': 'contentBlockDelta' }, '{}');
    expect(usageHoweverCut('ConverseStream', EVENT_STREAM, Buffer.concat([frame, delta]))).toStrictEqual({
      ...counts,
      source: 'stream',
    });
  });

  it('a stream that was aborted behind the metadata is not partial', () => {
    const stream = [encodeEvent('metadata', { usage })];
    expect(usageHoweverCut('ConverseStream', EVENT_STREAM, Buffer.concat(stream), false)).toStrictEqual({
      ...counts,
      source: 'stream',
    });
  });

  it('a metadata message with a bad checksum is not believed', () => {
    const frame = encodeEvent('metadata', { usage });
    frame.writeUInt8(frame.readUInt8(60) ^ 1, 60);
    expect(usageHoweverCut('ConverseStream', EVENT_STREAM, frame)).toStrictEqual({
      unknown: 'answer not understood: damaged stream',
    });
  });
});

describe('InvokeModelWithResponseStream', () => {
  const start = {
    type: 'message_start',
    message: {
      usage: {
        input_tokens: 9,
        cache_creation_input_tokens: 30,
        cache_read_input_tokens: 200,
        cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
        output_tokens: 1,
      },
    },
  };
  const begun = {
    inputTokens: 9,
    cacheReadInputTokens: 200,
    cacheWriteInputTokens: 30,
    cacheWrite5mInputTokens: 10,
    cacheWrite1hInputTokens: 20,
    source: 'stream',
  };
  const delta = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } };
  const end = {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn' },
    usage: { output_tokens: 104, output_tokens_details: { thinking_tokens: 60 } },
  };
  const stop = { type: 'message_stop', 'amazon-bedrock-invocationMetrics': METRICS };

  it('Anthropic: the details of the first and of the last event but one', () => {
    const usage = invoked([start, delta, delta, end, stop]);
    expect(usage).toStrictEqual({ ...begun, outputTokens: 104, totalTokens: 343, reasoningTokens: 60 });
  });

  it('Anthropic, cut: the input is known, the output is not', () => {
    expect(invoked([start, delta, delta], false)).toStrictEqual({ ...begun, partial: true });
  });

  it('Anthropic, ended too early without a word: partial all the same', () => {
    expect(invoked([start, delta, delta])).toStrictEqual({ ...begun, partial: true });
  });

  it('an exception of Bedrock makes the counts so far partial', () => {
    const events = [
      chunk({ generation: 'a', prompt_token_count: 5, generation_token_count: 1 }),
      encodeException('modelStreamErrorException', 'no'),
    ];
    expect(usageHoweverCut('InvokeModelWithResponseStream', EVENT_STREAM, Buffer.concat(events))).toStrictEqual({
      inputTokens: 5,
      outputTokens: 1,
      source: 'stream',
      partial: true,
    });
  });

  it('Llama, cut: the output so far', () => {
    const events = Array.from({ length: 40 }, (_, index) => ({
      generation: 'a',
      prompt_token_count: index === 0 ? 5 : null,
      generation_token_count: index + 1,
    }));
    expect(invoked(events, false)).toStrictEqual({ inputTokens: 5, outputTokens: 40, source: 'stream', partial: true });
  });

  it.each<[string, object[]]>([
    [
      'Titan text',
      [
        { outputText: 'a', index: 0, totalOutputTextTokenCount: null, inputTextTokenCount: 9 },
        { outputText: 'b', index: 0, totalOutputTextTokenCount: 104, inputTextTokenCount: null },
      ],
    ],
    ['Mistral', [{ outputs: [{ text: 'a' }] }, { outputs: [{ text: '', stop_reason: 'stop' }] }]],
    [
      'Cohere',
      [
        { text: 'a', is_finished: false },
        { is_finished: true, finish_reason: 'COMPLETE' },
      ],
    ],
    ['a family that is not known', [{ a: 1 }, { b: 2 }]],
  ])('%s', (_name, events) => {
    const last = { ...events.at(-1), 'amazon-bedrock-invocationMetrics': METRICS };
    expect(invoked([...events.slice(0, -1), last])).toStrictEqual({
      inputTokens: 9,
      outputTokens: 104,
      totalTokens: 113,
      source: 'stream',
    });
  });

  it('OpenAI: metrics that count the cached input as input do not make it count twice', () => {
    const usage = { prompt_tokens: 9, completion_tokens: 104, prompt_tokens_details: { cached_tokens: 5 } };
    const events = [
      { choices: [{ index: 0, delta: { content: 'Hi' } }] },
      { choices: [], usage, 'amazon-bedrock-invocationMetrics': METRICS },
    ];
    expect(invoked(events)).toStrictEqual({
      inputTokens: 4,
      outputTokens: 104,
      totalTokens: 113,
      cacheReadInputTokens: 5,
      source: 'stream',
    });
  });

  it('the padding before the bytes', () => {
    const before = (event: object) => {
      const bytes = Buffer.from(JSON.stringify(event)).toString('base64');
      return encodeEvent('chunk', { p: 'abcdefgh', bytes });
    };
    const usage = usageHoweverCut(
      'InvokeModelWithResponseStream',
      EVENT_STREAM,
      Buffer.concat([start, delta, delta, end, stop].map(before)),
    );
    expect(usage).toMatchObject({ inputTokens: 9, outputTokens: 104, cacheWrite1hInputTokens: 20 });
    expect(usage.partial).toBeUndefined();
  });
});

describe('OpenAI', () => {
  const chat = {
    prompt_tokens: 284,
    completion_tokens: 50,
    total_tokens: 334,
    prompt_tokens_details: { cached_tokens: 200, cache_write_tokens: 30, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 40 },
  };
  const response = {
    input_tokens: 284,
    input_tokens_details: { cached_tokens: 200, cache_write_tokens: 30 },
    output_tokens: 50,
    output_tokens_details: { reasoning_tokens: 40 },
    total_tokens: 334,
  };
  const counts = {
    inputTokens: 54,
    outputTokens: 50,
    totalTokens: 334,
    cacheReadInputTokens: 200,
    cacheWriteInputTokens: 30,
    reasoningTokens: 40,
  };
  const delta = { choices: [{ index: 0, delta: { content: 'Hi' } }], usage: null };

  it('counts its caches as input; the record does not', () => {
    expect(usageOfJson('ChatCompletions', { choices: [], usage: chat })).toStrictEqual({ ...counts, source: 'body' });
    expect(usageOfJson('Responses', { usage: response })).toStrictEqual({ ...counts, source: 'body' });
  });

  it('a chat whose every event has a member usage', () => {
    const usage = sent('ChatCompletions', [delta, delta, { choices: [], usage: chat }]);
    expect(usage).toStrictEqual({ ...counts, source: 'stream' });
  });

  it('a chat that counts as it goes, cut', () => {
    const running = {
      choices: [{ delta: { content: 'Hi' } }],
      usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
    };
    expect(sent('ChatCompletions', [delta, running], false)).toStrictEqual({
      inputTokens: 5,
      outputTokens: 2,
      source: 'stream',
      partial: true,
    });
  });

  it.each(['response.completed', 'response.incomplete', 'response.failed'])('%s', (type) => {
    const usage = sent('Responses', [
      { type: 'response.created', response: { usage: null } },
      { type, response: { usage: response } },
    ]);
    expect(usage).toStrictEqual({ ...counts, source: 'stream' });
  });

  it.each(['\n', '\r\n', '\r'])('lines that end with %j, comments, and an event without an end', (end) => {
    const lines = [
      ': ping',
      '',
      'event: x',
      `data: ${JSON.stringify(delta)}`,
      '',
      `data: ${JSON.stringify({ choices: [], usage: chat })}`,
    ];
    expect(usageHoweverCut('ChatCompletions', SSE, Buffer.from(lines.join(end)))).toStrictEqual({
      ...counts,
      source: 'stream',
    });
  });

  it.each(['\n', '\r\n', '\r'])('data on several lines that end with %j', (end) => {
    const lines = ['data: {"choices":[],', `data: "usage":${JSON.stringify(chat)}}`, '', ''];
    const usage = usageHoweverCut('ChatCompletions', SSE, Buffer.from(lines.join(end)));
    expect(usage).toStrictEqual({ ...counts, source: 'stream' });
  });

  it('what a model writes about usage is not its usage', () => {
    const text = '"usage":{"prompt_tokens":9,"completion_tokens":9}';
    const said = { choices: [{ index: 0, delta: { content: text } }] };
    expect(sent('ChatCompletions', [delta, said])).toStrictEqual({ unknown: 'no usage in the answer' });
  });
});

describe('Anthropic events', () => {
  it('the last counts are the ones that hold, and null leaves those before', () => {
    const usage = sent('Messages', [
      { type: 'message_start', message: { usage: { input_tokens: 3, cache_read_input_tokens: 7, output_tokens: 1 } } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
      { type: 'message_delta', usage: { input_tokens: 4, cache_read_input_tokens: null, output_tokens: 9 } },
      { type: 'message_delta', delta: {}, usage: { output_tokens: 12 } },
      { type: 'message_stop' },
    ]);
    expect(usage).toStrictEqual({
      inputTokens: 4,
      outputTokens: 12,
      totalTokens: 23,
      cacheReadInputTokens: 7,
      source: 'stream',
    });
  });
});
