import { subscribe } from 'node:diagnostics_channel';
import { type IncomingMessage, Server, type ServerResponse } from 'node:http';

import { callerOf } from '../callers/caller.ts';
import type { Clock } from '../clock.ts';
import { CallerGone, errorReply, ProxyError } from '../errors.ts';
import { discardBody, type Exchange } from '../http/exchange.ts';
import { eventLine } from '../log.ts';

const INVOCATION_ID = 'x-ms-invocation-id';

/** Exchanges whose invocation has not come yet, and what ends the waiting. */
const waiting = new Map<string, { readonly invocation: Exchange; readonly timer: NodeJS.Timeout }>();

/** How long the exchange of a caller that has gone is kept for its invocation. */
const GONE_KEPT_MS = 60_000;

/** How long a caller waits for its invocation, which comes within milliseconds or not at all. */
const CLAIM_MS = 10_000;

/** Largest head that the library's server reads. Kestrel lets 8 KiB of request line and 32 KiB of headers through. */
const HEAD_BYTES = 65_536;

/**
 * Starts to collect the raw exchanges. Must be called before the first request.
 *
 * What `@azure/functions` hands to a handler is not enough for a proxy: its headers come from the host's binding data,
 * where a JSON member or a query parameter named `Headers` replaces them; it tells neither when the client has gone nor
 * when the connection is full (azure-functions-nodejs-library#273, #294). The library receives the request by a
 * `node:http` server of its own, and Node announces each request of such a server on the diagnostics channel
 * `http.server.request.start`, together with the response it will be answered by.
 */
export function collectExchanges(clock: Pick<Clock, 'now'>): void {
  subscribe('tracing:net.server.listen:asyncStart', (message) => {
    const { server } = message as { server: unknown };
    if (server instanceof Server) refuseNothing(server);
  });
  subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    const id = request.headers[INVOCATION_ID];
    if (typeof id !== 'string') return;
    const { method = '', url = '' } = request;
    hideFromLibrary(request);
    const gone = new AbortController();
    const invocation = { id, startedAt: clock.now(), method, url, request, response, gone: gone.signal };
    const timer = setTimeout(refuseUnclaimed, CLAIM_MS, invocation).unref();
    waiting.set(id, { invocation, timer });
    // The socket may break while the library writes; the close event below is what counts.
    response.on('error', () => {});
    response.once('close', () => {
      clearTimeout(timer);
      if (!response.writableFinished) gone.abort(new CallerGone());
      // A caller may be gone before the host's call of the function arrives, which then still has to find it here.
      if (waiting.get(id)?.invocation === invocation) setTimeout(() => waiting.delete(id), GONE_KEPT_MS).unref();
    });
  });
}

/**
 * Leaves the library, which makes a WHATWG request of what it receives, as little as it needs. Nobody here reads that
 * request: a stream around the body would be made in vain for every call, and of a Host, a URL or a method that it cannot
 * take the caller would hear nothing.
 */
function hideFromLibrary(request: IncomingMessage): void {
  request.method = 'GET';
  request.url = '/';
  request.headers['x-forwarded-host'] = 'localhost';
}

/**
 * Makes the library's server hand over what it would refuse by itself. Of such a refusal the library does not hear: the
 * host would wait for the function until functionTimeout, and then restart the worker with every call in it.
 */
function refuseNothing(server: Server): void {
  // Both are read with each new connection. Node's own limit is 16 KiB. The lenient parser takes control characters in
  // values, which Kestrel and .NET's HttpClient let through; nobody but the host, which writes proper HTTP, is read by it.
  Object.assign(server, { maxHeaderSize: HEAD_BYTES, insecureHTTPParser: true });
  // 417; an expectation may be ignored (RFC 9110 section 10.1.1).
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

/**
 * Answers a request of which the host does not tell the library in time. The line says whose it was as the request has
 * it, since nobody has been admitted yet, and by ids alone: whether names may be told is a setting, which is not read here.
 */
function refuseUnclaimed({ id, url, request, response }: Exchange): void {
  waiting.delete(id);
  discardBody(request);
  const error = new ProxyError('invalidRequest', 'The Functions host could not hand this request to the proxy.');
  const { status, headers, body } = errorReply(error, { id, url });
  const { subscriptionId, productId, gatewayRequestId } = callerOf(request.headers);
  console.error(eventLine('bedrock.unclaimed', { requestId: id, subscriptionId, productId, gatewayRequestId }));
  response.writeHead(status, headers).end(body[0]);
}

/**
 * Hands out the exchange of an invocation, once. The library has received it before it calls the handler, so it is
 * missing only if Node no longer announces requests; without the true headers nothing can be decided about a request.
 */
export function claimExchange(id: string): Exchange | undefined {
  const exchange = waiting.get(id);
  waiting.delete(id);
  clearTimeout(exchange?.timer);
  return exchange?.invocation;
}
