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

import type { Attempt, FinishedRequest, TraceContext } from '../record/finished-request.ts';
import {
  attemptThatCounts,
  callerAttributes,
  type Conventions,
  errorType,
  known,
  operationAttributes,
} from './attributes.ts';
import { answerAttributes, attemptAttributes, ERROR_TYPE, requestAttributes } from './span-attributes.ts';

/**
 * The spans of finished requests: the function's own part, below the span of the Functions host, and below it one for
 * each request to Bedrock. The host already has the span of the HTTP request, so neither of these is of kind SERVER:
 * Application Insights would count the request twice.
 *
 * @returns takes a finished request
 */
export function createSpans(tracer: Tracer, conventions: Conventions): (finished: FinishedRequest) => void {
  const addCall = (finished: FinishedRequest, attempt: Attempt, index: number, common: Attributes, parent: Context) => {
    const { record, startedAt, lastByteMs, attempts } = finished;
    const counts = attempt === attemptThatCounts(finished);
    const call = tracer.startSpan(
      [common['gen_ai.operation.name'], common['gen_ai.request.model']].join(' ').trim(),
      {
        kind: SpanKind.CLIENT,
        startTime: startedAt + attempt.startedMs,
        attributes: {
          ...common,
          ...attemptAttributes(attempt, index),
          ...(counts ? answerAttributes(finished, attempt, conventions) : {}),
        },
      },
      parent,
    );
    fail(call, attemptError(finished, attempt, counts));
    const endMs = (counts ? lastByteMs : attempt.headersMs) ?? attempts[index + 1]?.startedMs ?? record.durationMs ?? 0;
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

/** What Bedrock failed with; undefined for a good answer, whatever became of it here. */
function attemptError({ record }: FinishedRequest, { status }: Attempt, counts: boolean): string | undefined {
  if (counts) return record.errorSource === 'bedrock' ? errorType(record) : undefined;
  // Another one was made because there was no connection.
  if (status === undefined) return 'ServiceUnavailableException';
  return status >= 400 ? String(status) : undefined;
}

/** Marks a span as failed, with no more than the name of the error. */
function fail(span: Span, type: string | undefined): void {
  if (type === undefined) return;
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttributes({ 'error.type': type, [ERROR_TYPE]: type });
}
