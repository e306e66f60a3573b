import { randomUUID } from 'node:crypto';
import type { Agent, IncomingMessage, ServerResponse } from 'node:http';
import type { Timer } from '../../../src/clock.ts';
import { endAnswer, failAnswer } from './answer.ts';
import { toTriggerMetadata } from './binding-data.ts';
import { forward, type ForwardLimits } from './forward.ts';
import type { ResponseHead } from './forward-copy.ts';
import type { HostLog } from './log.ts';
import type { Query } from './query.ts';
import type { RequestHeaders } from './request-headers.ts';
import { encodePath } from './request-path.ts';
import type { RouteMatch } from './routes.ts';
import type { InvocationResult, WorkerProcess } from './worker-process.ts';
import { continueTrace, isChunked, workerHeaders } from './worker-request.ts';
import type { Supervisor } from './worker-supervisor.ts';

/** What .NET's `Uri` escapes in a query. */
const UNSAFE = /[^\x21\x22\x24-\x7e]/g;

/** What all invocations of a host share. */
export interface InvocationSettings extends ForwardLimits {
  readonly agent: Agent;
  readonly supervisor: Supervisor;
  readonly log: HostLog;
  /** Whether the host exports traces. */
  readonly tracing: boolean;
  /** Undefined: no limit. */
  readonly functionTimeoutMs: number | undefined;
  /** What a function that reached its timeout gets on top before its worker is restarted. */
  readonly timeoutGraceMs: number;
}

/** A call that passed routing and authorization. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly match: RouteMatch;
  readonly headers: RequestHeaders;
  readonly path: string;
  /** With its question mark, or empty. */
  readonly rawQuery: string;
  readonly query: Query;
  readonly scheme: string;
  /** Host as the client named it. */
  readonly host: string;
  /** A buffered body; undefined for a chunked one or none. */
  readonly body: readonly Buffer[] | undefined;
  /** Aborted when the rest of a chunked body does not come. */
  readonly broken: AbortSignal;
}

/**
 * Runs a call in the worker: one leg over HTTP with the request and the answer, one over IPC with the invocation. The
 * client's answer is ended when both are over. A function that failed leaves the first leg waiting for an answer that
 * never comes; and whatever went wrong is a 500 in the end (or a cut connection), never a 502 or 504, because the host
 * sets it over YARP's status (azure-functions-host, `GrpcWorkerChannel.InvokeResponse` and `ExceptionMiddleware`).
 */
export function invoke(call: Call, worker: WorkerProcess, settings: InvocationSettings): void {
  const { request, response, match, headers, body } = call;
  const { supervisor, log, clock, functionTimeoutMs, timeoutGraceMs } = settings;
  const functionName = match.route.name;
  const invocationId = randomUUID();
  const clientTrace = headers.binding['traceparent'];
  const traceParent = settings.tracing ? continueTrace(clientTrace) : clientTrace;
  let timeout: Timer | undefined;
  let finished = false;

  const forwarding = forward(
    {
      port: worker.port,
      method: request.method ?? 'GET',
      path: encodePath(call.path) + call.rawQuery.replaceAll(UNSAFE, encodeURIComponent),
      headers: workerHeaders({ ...call, workerPort: worker.port, invocationId, traceParent }),
      unsendable: headers.unsendable,
      body: isChunked(request) ? request : body,
      broken: call.broken,
    },
    response,
    settings.agent,
    settings,
  );
  const logError = (message: string): void =>
    log.write({ level: 'error', category: `Function.${functionName}`, message, invocationId });

  const finish = (head?: ResponseHead): void => {
    if (finished) return;
    finished = true;
    timeout?.cancel();
    if (head) return endAnswer(response, head);
    forwarding.cancel(new Error('The invocation is over.'));
    return failAnswer(response);
  };
  const onResult = async (result: InvocationResult): Promise<void> => {
    if (result.status !== 'succeeded') {
      const reason = result.status === 'failed' ? result.error.stack : 'The worker process crashed.';
      logError(`Executed 'Functions.${functionName}' (Failed, Id=${invocationId})\n${reason}`);
    }
    if (result.status === 'crashed') return finish();
    const outcome = await forwarding.outcome;
    if (finished) return undefined;
    const hasHead = !(outcome instanceof Error);
    if (!hasHead) logError(`Failed to proxy request: ${outcome.message}`);
    return finish(hasHead && result.status === 'succeeded' ? outcome : undefined);
  };
  const onTimeout = (): void => {
    logError(`Timeout value of ${functionTimeoutMs} ms was exceeded by function: Functions.${functionName}`);
    timeout = clock.after(timeoutGraceMs, () => {
      // An invocation that the worker has ended, or one of a worker replaced since, is no reason for a restart.
      const restarted = worker.isExecuting(invocationId) ? supervisor.restart(worker) : Promise.resolve();
      void restarted.then(
        () => finish(),
        () => finish(),
      );
    });
  };

  if (functionTimeoutMs !== undefined) timeout = clock.after(functionTimeoutMs, onTimeout);
  response.once('close', () => {
    if (!response.writableFinished) forwarding.cancel(new Error('The client disconnected.'));
  });
  worker.invoke(
    {
      type: 'invocationRequest',
      invocationId,
      functionName,
      triggerMetadata: toTriggerMetadata({
        body,
        query: call.query,
        routeValues: match.values,
        headers: headers.binding,
      }),
      traceParent: traceParent ?? '',
      ...(headers.binding['tracestate'] === undefined ? {} : { traceState: headers.binding['tracestate'] }),
    },
    (result) => void onResult(result),
  );
}
