import { errorTypeOf } from '../aws/error-type.ts';
import { isModelId } from '../bedrock/model-id.ts';
import type { Route } from '../bedrock/route.ts';
import type { UpstreamAnswer } from '../aws/upstream.ts';
import type { TokenCounts } from '../usage/formats.ts';
import { createErrorTap } from '../usage/usage-error.ts';
import { createUsageTap, type Usage, type UsageTap } from '../usage/meter.ts';
import { CallerGone, type Failure, toProxyError } from '../errors.ts';
import { describeError, eventLine } from '../log.ts';
import type { Caller } from '../callers/caller.ts';
import { type Exchange, whenClosed } from '../http/exchange.ts';
import { addAnswer, conclude } from './derived.ts';
import { judge } from './outcome.ts';
import type { Attempt, Observe, TraceContext } from './finished-request.ts';
import type { ErrorSource, RequestRecord } from './record.ts';
import type { RelayObserver } from '../http/reply.ts';

/** Collects what becomes known of a request; logs it once, when the connection to the caller is done with it. */
export interface Recorder extends RelayObserver {
  caller(caller: Caller): void;
  route(route: Route): void;
  model(modelId: string): void;
  body(bytes: number): void;
  attempt(): void;
  /** The headers of an answer are there, which need not be the one that is passed on. */
  answered(answer: UpstreamAnswer): void;
  credentialsRefreshed(): void;
  upstreamHeaders(answer: UpstreamAnswer): void;
  /** Has the usage told, once, as soon as it is known. */
  onUsage(listener: (counts: TokenCounts) => void): void;
}

/** Failures whose cause the operator has to know, beyond what the record says. */
const EXPLAINED = new Set<Failure>(['internal', 'unavailable', 'upstreamBroken', 'unauthorized']);

export interface RecorderOptions {
  readonly region: string;
  /**
   * Takes one line for standard output, which the host logs under `Host.Function.Console`, a category that host.json lets
   * through. `context.log` is no way: the record is complete only when the body has been sent, and the library complains
   * about it after the handler has returned.
   */
  readonly log: (line: string) => void;
  /** Takes the record when it is complete, for metrics and spans. */
  readonly observe?: Observe | undefined;
}

/** Starts the record of a request. Never holds a body, a key or a token. */
export function startRecord(
  invocation: Exchange,
  { region, log, observe }: RecorderOptions,
  trace?: TraceContext,
): Recorder {
  const { id, startedAt, response, gone } = invocation;
  const record: RequestRecord = {
    event: 'bedrock.request',
    time: new Date().toISOString(),
    requestId: id,
    region,
  };
  const elapsed = () => Math.round(10 * (performance.now() - startedAt)) / 10;

  const attempts: Attempt[] = [];
  let method: Attempt['method'] = 'POST';
  let lastByteMs: number | undefined;
  let tap: UsageTap | undefined;
  let usageListener: ((counts: TokenCounts) => void) | undefined;

  /** Whom the proxy waits for: a caller that has yet to take what was written, or all of the answer; else Bedrock. */
  const awaited = (): ErrorSource => {
    if (response.writableNeedDrain || response.writableEnded) return 'client';
    return record.attempts === undefined ? 'proxy' : 'bedrock';
  };

  const takeUsage = (from: UsageTap, complete: boolean): Usage => {
    tap = undefined;
    const usage = from.end(complete);
    addAnswer(record, usage, from.facts);
    usageListener?.(usage);
    return usage;
  };

  whenClosed(response, () => {
    if (response.headersSent) record.status = response.statusCode;
    record.outcome ??= gone.aborted ? 'clientClosed' : 'complete';
    if (tap !== undefined) takeUsage(tap, record.outcome === 'complete');
    record.durationMs = elapsed();
    conclude(record, lastByteMs);
    log(JSON.stringify(record));
    observe?.({
      record,
      startedAt: Date.now() - (performance.now() - startedAt),
      attempts,
      ...(lastByteMs === undefined ? {} : { lastByteMs }),
      ...(trace === undefined ? {} : { trace }),
    });
  });

  return {
    caller({ allowedModels: _unrecorded, ...identity }) {
      Object.assign(record, identity);
    },
    route({ operation, modelId }) {
      record.operation = operation.name;
      method = operation.method;
      if (modelId !== undefined) record.modelId = modelId;
    },
    model(modelId) {
      if (isModelId(modelId)) record.modelId = modelId;
    },
    body(bytes) {
      record.requestBytes = bytes;
    },
    attempt() {
      attempts.push({ method, startedMs: elapsed() });
      record.attempts = attempts.length;
    },
    answered({ status, headers }) {
      const attempt = attempts.at(-1);
      if (attempt === undefined) return;
      attempt.headersMs = elapsed();
      attempt.status = status;
      const requestId = headers['x-amzn-requestid'];
      if (requestId !== undefined) attempt.requestId = String(requestId);
    },
    credentialsRefreshed() {
      record.credentialsRefreshed = true;
    },
    upstreamHeaders({ status, headers }) {
      record.headersMs = elapsed();
      const requestId = headers['x-amzn-requestid'];
      if (requestId !== undefined) record.bedrockRequestId = String(requestId);
      record.streamed = /event-?stream/.test(String(headers['content-type']));
      if (status < 400) {
        tap = createUsageTap(record.operation ?? '', headers);
        return;
      }
      record.errorSource = 'bedrock';
      const errorType = errorTypeOf(headers);
      if (errorType === undefined) tap = createErrorTap();
      else record.errorType = errorType;
    },
    onUsage(listener) {
      usageListener = listener;
    },
    usageAhead(whole) {
      if (tap === undefined || whole === undefined) return tap?.announced ?? {};
      for (const bytes of whole) tap.write(bytes);
      return takeUsage(tap, true);
    },
    sent(bytes) {
      lastByteMs = elapsed();
      record.firstByteMs ??= lastByteMs;
      record.responseBytes = (record.responseBytes ?? 0) + bytes.length;
      tap?.write(bytes);
      if (record.streamed === true && tap?.firstTokenSeen === true) record.firstTokenMs ??= elapsed();
    },
    failed(error) {
      if (error instanceof CallerGone) {
        record.outcome = 'clientClosed';
        return;
      }
      const { failure, errorType, message, cause } = toProxyError(error);
      record.errorType = errorType;
      [record.outcome, record.errorSource] = judge(failure, awaited());
      if (!EXPLAINED.has(failure) || cause === undefined) return;
      log(eventLine('bedrock.failure', { requestId: id, message, cause: describeError(cause) }));
    },
  };
}
