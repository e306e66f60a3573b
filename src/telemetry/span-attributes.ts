import type { Attributes } from '@opentelemetry/api';

import type { Attempt, FinishedRequest } from '../record/finished-request.ts';
import { type Conventions, known, priceAttributes } from './attributes.ts';
import { inputOf } from './token-kinds.ts';

/** The exporter for Application Insights leaves `error.type` out of what it sends; this name it lets through. */
export const ERROR_TYPE = 'bedrock.proxy.error_type';

/** Of the function's own part. */
export function requestAttributes({ record }: FinishedRequest): Attributes {
  return known({
    'bedrock.operation': record.operation,
    'bedrock.operation_group': record.operationGroup,
    'bedrock.proxy.outcome': record.outcome,
    'bedrock.proxy.error_source': record.errorSource,
    [ERROR_TYPE]: record.errorType,
    'apim.request.id': record.gatewayRequestId,
    'faas.invocation_id': record.requestId,
    'http.response.status_code': record.status,
  });
}

/**
 * Of a request to Bedrock.
 *
 * @param resendCount how many went before it
 */
export function attemptAttributes(
  { method, region, origin, status, requestId }: Attempt,
  resendCount: number,
): Attributes {
  const { protocol, hostname, port } = new URL(origin);
  return known({
    'aws.region': region,
    'server.address': hostname,
    'server.port': Number(port || (protocol === 'http:' ? 80 : 443)),
    'http.request.method': method,
    'http.request.resend_count': resendCount > 0 ? resendCount : undefined,
    'http.response.status_code': status,
    'aws.request_id': requestId,
  });
}

/** The one attribute of ours that the conventions have given another name. */
const CACHE_WRITE: Readonly<Record<Conventions, string>> = {
  released: 'gen_ai.usage.cache_creation.input_tokens',
  latest: 'gen_ai.usage.cache_write.input_tokens',
};

/** What the answer told that was passed on. */
export function answerAttributes({ record }: FinishedRequest, attempt: Attempt, conventions: Conventions): Attributes {
  const { streamed, firstByteMs, stopReason } = record;
  return known({
    'gen_ai.request.stream': streamed,
    'gen_ai.response.model': record.responseModel,
    'gen_ai.response.finish_reasons': stopReason === undefined ? undefined : [stopReason],
    'bedrock.guardrail.action': record.guardrailAction,
    ...priceAttributes(record),
    'gen_ai.response.time_to_first_chunk':
      streamed === true && firstByteMs !== undefined ? (firstByteMs - attempt.startedMs) / 1000 : undefined,
    'gen_ai.usage.input_tokens': inputOf(record),
    'gen_ai.usage.output_tokens': record.outputTokens,
    'gen_ai.usage.cache_read.input_tokens': record.cacheReadInputTokens,
    [CACHE_WRITE[conventions]]: record.cacheWriteInputTokens,
    'gen_ai.usage.reasoning.output_tokens': record.reasoningTokens,
  });
}
