import { EVENT_STREAM, plain, streamed, type Answer } from './answer.ts';
import { AwsError } from './aws-error.ts';
import { encodeEvent } from './frames.ts';
import { converseTrace, piecesFor } from './guarded-answers.ts';
import { member, requireObject } from './json.ts';
import type { ReceivedRequest } from './received-request.ts';
import { countTokens, divideCaches, latencyMs, totalTokens, type Tokens } from './tokens.ts';

const PADDING = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** Converse: one message, its usage, and the settings the request named. */
export function converse(request: ReceivedRequest): Answer {
  const input = requireConversation(request.body);
  const tokens = divideCaches(countTokens(request), request);
  return plain(
    {
      metrics: { latencyMs: latencyMs(tokens) },
      output: { message: { content: [{ text: piecesFor(request).join('') }], role: 'assistant' } },
      stopReason: stopReasonFor(request),
      usage: converseUsage(tokens),
      ...chosenSettings(input),
      ...converseTrace(request),
    },
    {},
    tokens,
  );
}

/** ConverseStream: the events in Bedrock's order, `metadata` with the usage last. */
export function converseStream(request: ReceivedRequest): Answer {
  const input = requireConversation(request.body);
  const tokens = divideCaches(countTokens(request), request);
  const parts = [
    paddedEvent('messageStart', { role: 'assistant' }),
    ...piecesFor(request).map((text) => paddedEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text } })),
    paddedEvent('contentBlockStop', { contentBlockIndex: 0 }),
    paddedEvent('messageStop', { stopReason: stopReasonFor(request) }),
    paddedEvent('metadata', {
      metrics: { latencyMs: latencyMs(tokens) },
      usage: converseUsage(/\bopenai\./.test(request.modelId ?? '') ? overlapping(tokens) : tokens),
      ...chosenSettings(input),
      ...converseTrace(request),
    }),
  ];
  return streamed(parts, EVENT_STREAM, tokens);
}

function stopReasonFor({ guardrail }: ReceivedRequest): string {
  return guardrail?.intervened === true ? 'guardrail_intervened' : 'end_turn';
}

/** A request of Converse, or AWS's 400 for one whose messages are no list: that is found before any model is asked. */
function requireConversation(body: Buffer): object {
  const input = requireObject(body);
  const messages = member(input, 'messages');
  if (messages === undefined || Array.isArray(messages)) return input;
  throw new AwsError(400, 'SerializationException', 'NUMBER_VALUE can not be converted to a List');
}

/** As a stream of OpenAI's models has counted: what the cache gave or took is input as well. */
function overlapping(tokens: Tokens): Tokens {
  const { inputTokens, cacheReadInputTokens, cacheWriteInputTokens } = tokens;
  return { ...tokens, inputTokens: inputTokens + cacheReadInputTokens + cacheWriteInputTokens };
}

/** An event with the member `p`, by which Bedrock hides the length of the text from who watches the connection. */
export function paddedEvent(eventType: string, payload: object): Buffer {
  const { length } = JSON.stringify(payload);
  return encodeEvent(eventType, { ...payload, p: PADDING.slice(0, PADDING.length - (length % PADDING.length)) });
}

/** `usage` as Converse writes it; the cache counts appear twice, and their details where something was written. */
export function converseUsage(tokens: Tokens): object {
  const details = [
    { ttl: '1h', inputTokens: tokens.cacheWrite1hInputTokens },
    { ttl: '5m', inputTokens: tokens.cacheWrite5mInputTokens },
  ].filter(({ inputTokens = 0 }) => inputTokens > 0);
  return {
    ...(tokens.cacheWrite5mInputTokens === undefined ? {} : { cacheDetails: details }),
    cacheReadInputTokenCount: tokens.cacheReadInputTokens,
    cacheReadInputTokens: tokens.cacheReadInputTokens,
    cacheWriteInputTokenCount: tokens.cacheWriteInputTokens,
    cacheWriteInputTokens: tokens.cacheWriteInputTokens,
    inputTokens: tokens.inputTokens,
    outputTokens: tokens.outputTokens,
    totalTokens: totalTokens(tokens),
  };
}

function chosenSettings(input: object): object {
  const performanceConfig = member(input, 'performanceConfig');
  const serviceTier = member(input, 'serviceTier');
  return {
    ...(performanceConfig === undefined ? {} : { performanceConfig }),
    ...(serviceTier === undefined ? {} : { serviceTier }),
  };
}
