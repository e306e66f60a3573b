import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestHeaders } from './request-headers.ts';

/** What goes into the headers of the request to the worker. */
export interface WorkerRequest {
  readonly request: IncomingMessage;
  readonly headers: RequestHeaders;
  readonly scheme: string;
  /** Host as the client named it. */
  readonly host: string;
  readonly workerPort: number;
  readonly invocationId: string;
  readonly traceParent: string | undefined;
}

/** Whether the body comes in chunks, which the host does not read. */
export function isChunked(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined;
}

/**
 * Headers of the request to the worker, flat: the client's, with those of the host in place of any of the same name
 * (YARP's forwarded headers with the action Set; `x-ms-invocation-id`; the trace of .NET's HttpClient, if there is one).
 */
export function workerHeaders(call: WorkerRequest): string[] {
  const { request, headers, scheme, host, workerPort, invocationId, traceParent } = call;
  const flat = [...headers.forwarded];
  flat.push('Host', `localhost:${workerPort}`);
  flat.push(
    'X-Forwarded-For',
    request.socket.remoteAddress ?? '',
    'X-Forwarded-Host',
    host,
    'X-Forwarded-Proto',
    scheme,
  );
  flat.push('x-ms-invocation-id', invocationId);
  if (traceParent !== undefined) flat.push('traceparent', traceParent);
  if (isChunked(request)) flat.push('Transfer-Encoding', 'chunked');
  else if (request.method !== 'GET' && request.method !== 'HEAD' && headers.binding['content-length'] === undefined) {
    flat.push('Content-Length', '0');
  }
  return flat;
}

/**
 * The host's own span (W3C Trace Context) in the client's trace, with the client's decision on sampling, or in a new one,
 * which is sampled (.NET, `Activity.SetParentId`; the default of its OpenTelemetry SDK).
 */
export function continueTrace(clientTraceParent: string | undefined): string {
  const [, traceId = randomUUID().replaceAll('-', ''), flags = '01'] =
    /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(clientTraceParent ?? '') ?? [];
  return `00-${traceId}-${randomUUID().replaceAll('-', '').slice(16)}-${flags}`;
}
