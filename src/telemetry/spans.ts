import {
  type Attributes,
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';

import {
  attemptThatCounts,
  callerAttributes,
  type Conventions,
  errorType,
  known,
  operationAttributes,
  priceAttributes,
} from './attributes.ts';
import type { Attempt, FinishedRequest, TraceContext } from '../record/finished-request.ts';
import { inputOf } from './token-kinds.ts';

/**
 * The spans of finished requests: the function's own part, below the span of the Functions host, and below it one for
 * each request to Bedrock. The host already has the span of the HTTP request, so neither of these is of kind SERVER:
 * Application Insights would count the request twice.
 *
 * @returns takes a finished request
 */
export function createSpans(tracer: Tracer, conventions: Conventions): (finished: FinishedRequest) => void {
  const addCall = (finished: FinishedRequest, attempt: Attempt, index: number, common: Attributes, parent: Context) => {
    const { record, startedAt, lastByteMs } = finished;
    const counts = attempt === attemptThatCounts(finished);
    const call = tracer.startSpan(
      [common['gen_ai.operation.name'], common['gen_ai.request.model']].join(' ').trim(),
      {
        kind: SpanKind.CLIENT,
        startTime: startedAt + attempt.startedMs,
        attributes: {
          ...common,
          ...attemptAttributes(attempt, index),
          ...(counts ? answerAttributes(finished, attempt, CACHE_WRITE[conventions]) : {}),
        },
      },
      parent,
    );
    fail(call, attemptError(finished, attempt, counts));
    const endMs = (counts ? lastByteMs : attempt.headersMs) ?? record.durationMs ?? 0;
    call.end(startedAt + Math.max(endMs, attempt.startedMs));
  };

  return (finished) => {
    const { record, startedAt, attempts } = finished;
    const { durationMs = 0, operation } = record;
    const parent = contextOf(finished.trace);
    const caller = callerAttributes(record);
    const span = tracer.startSpan(
      operation === undefined ? 'bedrock-proxy' : `bedrock-proxy ${operation}`,
      { kind: SpanKind.INTERNAL, startTime: startedAt, attributes: { ...requestAttributes(finished), ...caller } },
      parent,
    );
    if (!span.isRecording()) return;
    const context = trace.setSpan(parent, span);
    const common = {
      ...operationAttributes(finished),
      ...caller,
      ...known({ 'bedrock.operation': operation, 'bedrock.operation_group': record.operationGroup }),
    };
    for (const [index, attempt] of attempts.entries()) addCall(finished, attempt, index, common, context);
    // A caller's own mistake, or its leaving, is no failure of the proxy's.
    if (record.errorSource !== 'client') fail(span, record.errorType);
    span.end(startedAt + durationMs);
  };
}

/** The host's span, in whose trace ours belong; without one they begin a trace of their own. */
function contextOf(context: TraceContext | undefined): Context {
  const parent = parseTraceParent(context?.traceParent ?? '');
  if (parent === null) return ROOT_CONTEXT;
  const traceState = context?.traceState;
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...parent,
    isRemote: true,
    ...(traceState === undefined || traceState === '' ? {} : { traceState: createTraceState(traceState) }),
  });
}

function requestAttributes({ record }: FinishedRequest): Attributes {
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

function attemptAttributes({ method, region, origin, status, requestId }: Attempt, resendCount: number): Attributes {
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
function answerAttributes({ record }: FinishedRequest, attempt: Attempt, cacheWrite: string): Attributes {
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
    [cacheWrite]: record.cacheWriteInputTokens,
    'gen_ai.usage.reasoning.output_tokens': record.reasoningTokens,
  });
}

/** The exporter for Application Insights leaves `error.type` out of what it sends; this name it lets through. */
const ERROR_TYPE = 'bedrock.proxy.error_type';

/** What Bedrock failed with; undefined for a good answer, whatever became of it here. */
function attemptError({ record }: FinishedRequest, { status }: Attempt, counts: boolean): string | undefined {
  if (counts && record.errorSource === 'bedrock') return errorType(record);
  return status !== undefined && status >= 400 ? String(status) : undefined;
}

/** Marks a span as failed, with no more than the name of the error. */
function fail(span: Span, type: string | undefined): void {
  if (type === undefined) return;
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttributes({ 'error.type': type, [ERROR_TYPE]: type });
}
