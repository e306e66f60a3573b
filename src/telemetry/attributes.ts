import type { Attributes, AttributeValue } from '@opentelemetry/api';

import type { FinishedRequest } from '../record/finished-request.ts';
import type { RequestRecord } from '../record/record.ts';

/** The version of the conventions that names, units and boundaries follow (open-telemetry/semantic-conventions-genai). */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/gen-ai/1.42.0';

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
  record: { foundationModelId, modelId = '' },
}: Pick<FinishedRequest, 'operation' | 'record'>): string | undefined {
  switch (operation?.genAi) {
    case 'chat':
      return 'chat';
    case 'byModel':
      return BY_MODEL.find(([pattern]) => pattern.test(foundationModelId ?? modelId))?.[1] ?? 'chat';
    case undefined:
      return operation?.name.replaceAll(/(?<!^)(?=[A-Z])/g, '_').toLowerCase();
  }
}

/**
 * `gen_ai.request.model`. Ids come from callers; only Bedrock knows which of them exist. Without its word for one, that
 * is an answer of 2xx, the id would be a way to make any number of series.
 */
function modelName({ record, attempts }: FinishedRequest): string | undefined {
  const status = attempts.at(-1)?.status ?? 0;
  if (record.modelId === undefined) return undefined;
  return status >= 200 && status < 300 ? record.modelId : '_other';
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

/** Leaves out what is not known. */
export function known(attributes: Readonly<Record<string, AttributeValue | undefined>>): Attributes {
  const left: Attributes = {};
  for (const name in attributes) {
    const value = attributes[name];
    if (value !== undefined) left[name] = value;
  }
  return left;
}
