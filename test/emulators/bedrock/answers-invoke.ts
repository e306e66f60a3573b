import { anthropicEvents, anthropicMessage } from './anthropic-message.ts';
import { EVENT_STREAM, plain, streamed, type Answer } from './answer.ts';
import { converseUsage, paddedEvent } from './answers-converse.ts';
import { member, parseObject } from './json.ts';
import type { ReceivedRequest } from './received-request.ts';
import { countTokens, latencyMs, TEXT, TEXT_PIECES, totalTokens, type Tokens } from './tokens.ts';
import type { Headers } from './wire.ts';

/** How a family of models writes its answers. */
interface Family {
  whole(model: string, tokens: Tokens, input: object): object;
  /** Without the invocation metrics, which the last one carries in addition. */
  events?(model: string, tokens: Tokens): object[];
}

const anthropic: Family = {
  whole: anthropicMessage,
  events: (model, tokens) => anthropicEvents(model, tokens).filter(({ type }) => type !== 'ping'),
};

const nova: Family = {
  whole: (_, tokens) => ({
    output: { message: { content: [{ text: TEXT }], role: 'assistant' } },
    stopReason: 'end_turn',
    usage: converseUsage(tokens),
  }),
  events: (_, tokens) => [
    { messageStart: { role: 'assistant' } },
    ...TEXT_PIECES.map((text) => ({ contentBlockDelta: { delta: { text }, contentBlockIndex: 0 } })),
    { contentBlockStop: { contentBlockIndex: 0 } },
    { messageStop: { stopReason: 'end_turn' } },
    { metadata: { usage: converseUsage(tokens), metrics: {}, trace: {} } },
  ],
};

const llama: Family = {
  whole: (_, tokens) => ({
    generation: TEXT,
    prompt_token_count: tokens.inputTokens,
    generation_token_count: tokens.outputTokens,
    stop_reason: 'stop',
  }),
  events: (_, tokens) =>
    TEXT_PIECES.map((generation, index) => ({
      generation,
      prompt_token_count: index === 0 ? tokens.inputTokens : null,
      generation_token_count: index + 1,
      stop_reason: index === TEXT_PIECES.length - 1 ? 'stop' : null,
    })),
};

const titanEmbedding: Family = {
  whole: (_, tokens, input) => {
    const dimensions = member(input, 'dimensions');
    const length = typeof dimensions === 'number' ? dimensions : 1024;
    return {
      embedding: Array.from({ length }, (_unused, index) => Math.sin(index + 1)),
      inputTextTokenCount: tokens.inputTokens,
    };
  },
};

/** InvokeModel: in the form of the family the body is written for; a body of no known form comes back as it went. */
export function invokeModel(request: ReceivedRequest): Answer {
  const { body, modelId = '' } = request;
  const input = parseObject(body);
  const family = familyOf(input);
  if (input === undefined || family === undefined) {
    return plain(body, { ...contentTypeOf(request), ...chosenSettings(request) });
  }
  const tokens = costOf(request, family);
  return plain(family.whole(modelId, tokens, input), { ...tokenHeaders(tokens), ...chosenSettings(request) }, tokens);
}

/** InvokeModelWithResponseStream: the model's own events in base64, the invocation metrics in the last one. */
export function invokeModelWithResponseStream(request: ReceivedRequest): Answer {
  const { body, modelId = '' } = request;
  const family = familyOf(parseObject(body));
  const headers = {
    ...EVENT_STREAM,
    'x-amzn-bedrock-content-type': request.headers['x-amzn-bedrock-accept'] ?? 'application/json',
    ...chosenSettings(request),
  };
  if (family?.events === undefined) return streamed([chunk(body)], headers);
  const tokens = costOf(request, family);
  const events = family.events(modelId, tokens);
  const last = { ...events.pop(), 'amazon-bedrock-invocationMetrics': invocationMetrics(tokens) };
  return streamed(
    [...events, last].map((event) => chunk(Buffer.from(JSON.stringify(event)))),
    headers,
    tokens,
  );
}

/** By the request's body and not by the model id, which can be an opaque ARN. */
function familyOf(input: object | undefined): Family | undefined {
  if (member(input, 'anthropic_version') !== undefined) return anthropic;
  if (member(input, 'messages') !== undefined) return nova;
  if (member(input, 'prompt') !== undefined) return llama;
  if (member(input, 'inputText') !== undefined) return titanEmbedding;
  return undefined;
}

function costOf(request: ReceivedRequest, family: Family): Tokens {
  return countTokens(request, family === titanEmbedding ? '' : TEXT);
}

function chunk(bytes: Buffer): Buffer {
  return paddedEvent('chunk', { bytes: bytes.toString('base64') });
}

function contentTypeOf({ headers }: ReceivedRequest): Headers {
  return { 'content-type': headers['content-type'] ?? 'application/octet-stream' };
}

function tokenHeaders(tokens: Tokens): Headers {
  return {
    'x-amzn-bedrock-input-token-count': String(tokens.inputTokens),
    'x-amzn-bedrock-output-token-count': String(tokens.outputTokens),
    'x-amzn-bedrock-invocation-latency': String(latencyMs(tokens)),
    ...(totalTokens(tokens) === tokens.inputTokens + tokens.outputTokens
      ? {}
      : {
          'x-amzn-bedrock-cache-read-input-token-count': String(tokens.cacheReadInputTokens),
          'x-amzn-bedrock-cache-write-input-token-count': String(tokens.cacheWriteInputTokens),
        }),
  };
}

function invocationMetrics(tokens: Tokens): object {
  return {
    inputTokenCount: tokens.inputTokens,
    outputTokenCount: tokens.outputTokens,
    invocationLatency: latencyMs(tokens),
    firstByteLatency: Math.round(latencyMs(tokens) / 3),
    cacheReadInputTokenCount: tokens.cacheReadInputTokens,
    cacheWriteInputTokenCount: tokens.cacheWriteInputTokens,
  };
}

function chosenSettings({ headers }: ReceivedRequest): Headers {
  const names = ['x-amzn-bedrock-performanceconfig-latency', 'x-amzn-bedrock-service-tier'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
