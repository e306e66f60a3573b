import type { Attributes, Meter } from '@opentelemetry/api';

import type { FinishedRequest } from '../record/finished-request.ts';
import { type Conventions, errorType, priceAttributes } from './attributes.ts';
import { inputOf, tokensByKind } from './token-kinds.ts';

/** Takes the tokens of a finished request that named an operation, and the attributes of its series. */
export type RecordTokens = (finished: FinishedRequest, series: Attributes) => void;

// Bucket boundaries as the conventions advise them.
const TOKENS = Array.from({ length: 14 }, (_, power) => 4 ** power);
const ADVICE = { unit: '{token}', advice: { explicitBucketBoundaries: TOKENS } };

/** The metrics of tokens: those of the conventions, and those that have a price each. */
export function createTokenMetrics(meter: Meter, conventions: Conventions): RecordTokens {
  const counter = (name: string, description: string) => meter.createCounter(name, { unit: '{token}', description });
  const tokens = counter('bedrock.proxy.tokens', 'Tokens by the kinds that have prices of their own.');
  const reasoning = counter(
    'bedrock.proxy.reasoning_tokens',
    'The part of the output tokens that was spent on reasoning.',
  );
  const recordConventional = conventions === 'latest' ? createLatest(meter) : createReleased(meter);
  return (finished, series) => {
    const { record } = finished;
    recordConventional(finished, series);
    const priced = { ...series, ...priceAttributes(record) };
    for (const [kind, count] of tokensByKind(record)) tokens.add(count, { ...priced, 'bedrock.token.kind': kind });
    if (record.reasoningTokens !== undefined) reasoning.add(record.reasoningTokens, series);
  };
}

function createReleased(meter: Meter): RecordTokens {
  const usage = meter.createHistogram('gen_ai.client.token.usage', {
    ...ADVICE,
    description: 'Number of input and output tokens used.',
  });
  return ({ record }, series) => {
    const input = inputOf(record);
    if (input !== undefined) usage.record(input, { ...series, 'gen_ai.token.type': 'input' });
    if (record.outputTokens !== undefined) {
      usage.record(record.outputTokens, { ...series, 'gen_ai.token.type': 'output' });
    }
  };
}

/**
 * The counters that are to take the histogram's place. Those of input and output get a 0 from a call whose tokens are
 * not known, and the histograms nothing from one that failed, as the conventions want it.
 */
function createLatest(meter: Meter): RecordTokens {
  const counter = (name: string, description: string) =>
    meter.createCounter(`gen_ai.client.inference.usage.${name}`, { unit: '{token}', description });
  const histogram = (name: string, description: string) =>
    meter.createHistogram(`gen_ai.client.inference.operation.${name}`, { ...ADVICE, description });
  const input = counter('input_tokens', 'Input tokens used, cached ones included.');
  const output = counter('output_tokens', 'Output tokens used, reasoning included.');
  const parts = [
    [counter('cache_read.input_tokens', 'Input tokens read from a cache.'), 'cacheReadInputTokens'],
    [counter('cache_write.input_tokens', 'Input tokens written to a cache.'), 'cacheWriteInputTokens'],
    [counter('reasoning.output_tokens', 'Output tokens spent on reasoning.'), 'reasoningTokens'],
  ] as const;
  const inputOfOne = histogram('input_tokens', 'Input tokens of an operation.');
  const outputOfOne = histogram('output_tokens', 'Output tokens of an operation.');
  return ({ record, operation, attempts }, series) => {
    if (operation?.metering !== 'used' || attempts.length === 0) return;
    const inputTokens = inputOf(record);
    const { outputTokens } = record;
    // Bedrock tells the tokens of all modalities together.
    const ofUnknown = { ...series, 'gen_ai.token.modality': 'unknown' };
    input.add(inputTokens ?? 0, ofUnknown);
    output.add(outputTokens ?? 0, ofUnknown);
    for (const [part, kind] of parts) {
      const count = record[kind];
      if (count !== undefined) part.add(count, ofUnknown);
    }
    if (errorType(record) !== undefined) return;
    if (inputTokens !== undefined) inputOfOne.record(inputTokens, series);
    if (outputTokens !== undefined) outputOfOne.record(outputTokens, series);
  };
}
