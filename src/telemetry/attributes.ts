import type { Attributes, AttributeValue } from '@opentelemetry/api';

import type { Attempt, FinishedRequest } from '../record/finished-request.ts';
import type { RequestRecord } from '../record/record.ts';

/**
 * Which version of the conventions names, units and boundaries follow (open-telemetry/semantic-conventions-genai): the
 * last one that was released, or what is to be the next.
 */
export type Conventions = 'released' | 'latest';

/** What tells a receiver the version. What is not released has no schema. */
export function schemaUrlOf(conventions: Conventions): string | undefined {
  return conventions === 'released' ? 'https://opentelemetry.io/schemas/gen-ai/1.42.0' : undefined;
}

/** The request to Bedrock whose answer the caller got, or that came to nothing last; undefined where none was made. */
export function attemptThatCounts({ attempts, answered }: FinishedRequest): Attempt | undefined {
  return answered ?? attempts.at(-1);
}

/** What an invoked model does, where its id tells; all others chat. `rerank` is no name of the conventions'. */
const BY_MODEL: readonly (readonly [RegExp, string])[] = [
  [/embed/, 'embeddings'],
  [/rerank/, 'rerank'],
  [/(?:^|\.)(?:stability|luma)\.|image-generator|canvas|reel/, 'generate_content'],
];

/**
 * `gen_ai.operation.name`: a name of the conventions where one fits, else AWS's own in their spelling (`count_tokens`).
 * Undefined for a request that names no operation of Bedrock's.
 */
export function operationName({
  operation,
  record: { foundationModelId, resolvedModelId, modelId = '' },
}: Pick<FinishedRequest, 'operation' | 'record'>): string | undefined {
  switch (operation?.genAi) {
    case 'chat':
      return 'chat';
    case 'byModel':
      return BY_MODEL.find(([pattern]) => pattern.test(foundationModelId ?? resolvedModelId ?? modelId))?.[1] ?? 'chat';
    case undefined:
      return operation?.name.replaceAll(/(?<!^)(?=[A-Z])/g, '_').toLowerCase();
  }
}

/**
 * `gen_ai.request.model`. Ids come from callers; only Bedrock knows which of them exist. Without its word for one, that
 * is an answer of 2xx that is no error all the same, the id would be a way to make any number of series.
 */
function modelName(finished: FinishedRequest): string | undefined {
  const { streamed, outcome, errorType: exception } = finished.record;
  const modelId = finished.record.resolvedModelId ?? finished.record.modelId;
  const status = attemptThatCounts(finished)?.status ?? 0;
  if (modelId === undefined) return undefined;
  // A stream has begun with the model; a plain answer that has gone out whole and failed is an error itself.
  const isError = exception !== undefined && outcome === 'complete' && streamed !== true;
  return status >= 200 && status < 300 && !isError ? modelId : '_other';
}

/** `error.type`: the AWS exception, or the status where there is none. A caller that has left is one, too. */
export function errorType({ errorType: exception, outcome, status }: Readonly<RequestRecord>): string | undefined {
  if (exception !== undefined) return exception;
  if (outcome === 'clientClosed') return 'ClientClosed';
  return status !== undefined && status >= 400 ? String(status) : undefined;
}

/** Who called, by what API Management says. */
export function callerAttributes(record: Readonly<RequestRecord>): Attributes {
  return known({
    'apim.subscription.id': record.subscriptionId,
    'apim.subscription.name': record.subscriptionName,
    'apim.product.id': record.productId,
  });
}

/** What the conventions want to be told of every GenAI operation, and where it ran. */
export function operationAttributes(finished: FinishedRequest): Attributes {
  return known({
    'gen_ai.provider.name': 'aws.bedrock',
    'gen_ai.operation.name': operationName(finished),
    'gen_ai.request.model': modelName(finished),
    'aws.region': finished.record.region,
  });
}

/** Tiers and modes that have prices of their own; what an answer calls anything else is one series. */
const PRICED = new Set(['default', 'standard', 'priority', 'flex', 'reserved', 'batch', 'scale', 'optimized', 'auto']);

/** What tokens cost more or less for, as far as the answer tells. */
export function priceAttributes({ serviceTier, latencyMode }: Readonly<RequestRecord>): Attributes {
  const [tier, latency] = [serviceTier, latencyMode].map((word) =>
    word === undefined || PRICED.has(word) ? word : '_other',
  );
  return known({ 'bedrock.service_tier': tier, 'bedrock.latency_mode': latency });
}

/** Leaves out what is not known. */
export function known(attributes: Readonly<Record<string, AttributeValue | undefined>>): Attributes {
  const left: Attributes = {};
  for (const name in attributes) {
    const value = attributes[name];
    if (value !== undefined) left[name] = value;
  }
  return left;
}
