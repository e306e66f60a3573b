import { EVENT_STREAM, plain, streamed, type Answer } from './answer.ts';
import { paddedEvent } from './answers-converse.ts';
import { guardedEvents, guardedWhole } from './guarded-answers.ts';
import { parseObject } from './json.ts';
import { type Family, familyOf } from './model-families.ts';
import type { ReceivedRequest } from './received-request.ts';
import {
  countTokens,
  divideCaches,
  latencyMs,
  TEXT,
  toldTokens,
  totalTokens,
  type Tokens,
  withCompaction,
} from './tokens.ts';
import type { Headers } from './wire.ts';

/** InvokeModel: in the form of the family the body is written for; a body of no known form comes back as it went. */
export function invokeModel(request: ReceivedRequest): Answer {
  const { body, modelId = '' } = request;
  const input = parseObject(body);
  const family = familyOf(input);
  if (input === undefined || family === undefined) {
    return plain(body, { ...contentTypeOf(request), ...chosenSettings(request) });
  }
  const tokens = costOf(request, family);
  const headers = family.headless === true ? {} : tokenHeaders(toldTokens(tokens));
  return plain(
    guardedWhole(request, family.whole(modelId, tokens, input)),
    { ...headers, ...chosenSettings(request) },
    tokens,
  );
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
  const events = guardedEvents(request, family.events(modelId, tokens));
  const last = { ...events.pop(), 'amazon-bedrock-invocationMetrics': invocationMetrics(toldTokens(tokens)) };
  return streamed(
    [...events, last].map((event) => chunk(Buffer.from(JSON.stringify(event)))),
    headers,
    tokens,
  );
}

function costOf(request: ReceivedRequest, family: Family): Tokens {
  const tokens = countTokens(request, family.silent === true ? '' : TEXT);
  return family.dividesCaches === true ? withCompaction(divideCaches(tokens, request), request) : tokens;
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
