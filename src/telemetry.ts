import type { Route } from './bedrock/route.ts';
import type { UpstreamAnswer } from './bedrock/upstream.ts';
import { describeError, type Failure, toProxyError } from './errors.ts';
import type { Caller } from './http/caller.ts';
import { CallerGone, type Invocation, whenClosed } from './http/invocation.ts';
import type { RelayObserver } from './relay.ts';

/** One per request. What is not known is absent. */
interface RequestRecord {
  readonly event: 'bedrock.request';
  /** Start of the invocation, ISO 8601. */
  readonly time: string;
  /** Invocation id of the Functions host. */
  readonly requestId: string;
  readonly region: string;
  bedrockRequestId?: string;
  gatewayRequestId?: string;
  subscriptionId?: string;
  subscriptionName?: string;
  productId?: string;
  userId?: string;
  operation?: string;
  /** As asked, decoded. */
  modelId?: string;
  status?: number;
  errorType?: string;
  /** Whose error it was. */
  errorSource?: ErrorSource;
  streamed?: boolean;
  outcome?: Outcome;
  requestBytes?: number;
  responseBytes?: number;
  /** Milliseconds from the start of the invocation to Bedrock's headers. */
  headersMs?: number;
  /** Milliseconds to the first byte of the answer handed to the host. */
  firstByteMs?: number;
  /** Milliseconds to the end of the answer. */
  durationMs?: number;
  /** Requests sent to Bedrock. */
  attempts?: number;
  credentialsRefreshed?: boolean;
}

type ErrorSource = 'client' | 'proxy' | 'bedrock';
type Outcome = 'complete' | 'refused' | 'clientClosed' | 'upstreamBroke' | 'timedOut';

/** Collects what becomes known of a request; logs it once, when the connection to the caller is done with it. */
export interface Recorder extends RelayObserver {
  caller(caller: Caller): void;
  route(route: Route): void;
  model(modelId: string): void;
  body(bytes: number): void;
  attempt(): void;
  credentialsRefreshed(): void;
  upstreamHeaders(answer: UpstreamAnswer): void;
}

/** Failures whose cause the operator has to know, beyond what the record says. */
const EXPLAINED = new Set<Failure>(['internal', 'unavailable', 'upstreamBroken', 'unauthorized']);

/**
 * Starts the record of a request. Never holds a body, a key or a token.
 *
 * @param log takes one line. It should be `console.log`: the record is complete only when the body has been sent, and
 *   the library complains about `context.log` after the handler has returned. The host logs the worker's standard
 *   output under `Host.Function.Console`, a category that host.json lets through.
 */
export function startRecord(invocation: Invocation, region: string, log: (line: string) => void): Recorder {
  const { id, startedAt, response, gone } = invocation;
  const record: RequestRecord = {
    event: 'bedrock.request',
    time: new Date().toISOString(),
    requestId: id,
    region,
  };
  const elapsed = () => Math.round(10 * (performance.now() - startedAt)) / 10;

  whenClosed(response, () => {
    if (response.headersSent) record.status = response.statusCode;
    else if (gone.aborted) leftUnanswered(record);
    record.outcome ??= gone.aborted ? 'clientClosed' : 'complete';
    record.durationMs = elapsed();
    log(JSON.stringify(record));
  });

  return {
    caller({ allowedModels: _unrecorded, ...identity }) {
      Object.assign(record, identity);
    },
    route({ operation, modelId }) {
      record.operation = operation.name;
      if (modelId !== undefined) record.modelId = modelId;
    },
    model(modelId) {
      record.modelId = modelId;
    },
    body(bytes) {
      record.requestBytes = bytes;
    },
    attempt() {
      record.attempts = (record.attempts ?? 0) + 1;
    },
    credentialsRefreshed() {
      record.credentialsRefreshed = true;
    },
    upstreamHeaders({ status, headers }) {
      record.headersMs = elapsed();
      const requestId = headers['x-amzn-requestid'];
      if (requestId !== undefined) record.bedrockRequestId = String(requestId);
      record.streamed = /event-?stream/.test(String(headers['content-type']));
      if (status < 400) return;
      record.errorSource = 'bedrock';
      const type = headers['x-amzn-errortype'];
      if (type !== undefined) record.errorType = String(type).split(':', 1)[0] ?? '';
    },
    sent(bytes) {
      record.firstByteMs ??= elapsed();
      record.responseBytes = (record.responseBytes ?? 0) + bytes;
    },
    failed(error) {
      if (error instanceof CallerGone) {
        record.outcome = 'clientClosed';
        return;
      }
      const { failure, errorType, message, cause } = toProxyError(error);
      record.errorType = errorType;
      [record.outcome, record.errorSource] = judge(failure);
      if (!EXPLAINED.has(failure) || cause === undefined) return;
      log(JSON.stringify({ event: 'bedrock.failure', requestId: id, message, cause: describeError(cause) }));
    },
  };
}

/** Whatever was the matter with the request, an upload cut by leaving above all: the caller has been told of nothing. */
function leftUnanswered(record: RequestRecord): void {
  record.outcome = 'clientClosed';
  delete record.errorType;
  delete record.errorSource;
}

function judge(failure: Failure): [Outcome, ErrorSource] {
  switch (failure) {
    case 'modelTimeout':
      return ['timedOut', 'bedrock'];
    case 'upstreamBroken':
      return ['upstreamBroke', 'bedrock'];
    case 'internal':
    case 'unavailable':
      return ['refused', 'proxy'];
    default:
      return ['refused', 'client'];
  }
}
