import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** The HTTP exchange between the Functions host and this worker that belongs to one invocation. */
export interface Invocation {
  /** Invocation id of the Functions host. */
  readonly id: string;
  /** Arrival of the request's headers, as `performance.now()` tells it. */
  readonly startedAt: number;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the caller has gone before the answer was complete. */
  readonly gone: AbortSignal;
}

const INVOCATION_ID = 'x-ms-invocation-id';
const live = new Map<string, Invocation>();

/** How long the exchange of a caller that has gone is kept for its invocation. */
const UNCLAIMED_MS = 60_000;

/**
 * Starts to collect the raw exchanges. Must be called before the first request.
 *
 * What `@azure/functions` hands to a handler is not enough for a proxy: its headers come from the host's binding data,
 * where a JSON member or a query parameter named `Headers` replaces them; it tells neither when the client has gone nor
 * when the connection is full (azure-functions-nodejs-library#273, #294). The library receives the request by a
 * `node:http` server of its own, and Node announces each request of such a server on the diagnostics channel
 * `http.server.request.start`, together with the response it will be answered by.
 */
export function collectInvocations(): void {
  subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    const id = request.headers[INVOCATION_ID];
    if (typeof id !== 'string') return;
    const gone = new AbortController();
    const invocation = { id, startedAt: performance.now(), request, response, gone: gone.signal };
    live.set(id, invocation);
    // The socket may break while the library writes; the close event below is what counts.
    response.on('error', () => {});
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new CallerGone());
      // A caller may be gone before the host's call of the function arrives, which then still has to find it here.
      if (live.get(id) === invocation) setTimeout(() => live.delete(id), UNCLAIMED_MS).unref();
    });
  });
}

/**
 * Hands out the exchange of an invocation, once. The library has received it before it calls the handler, so it is
 * missing only if Node no longer announces requests; without the true headers nothing can be decided about a request.
 */
export function claimInvocation(id: string): Invocation | undefined {
  const invocation = live.get(id);
  live.delete(id);
  return invocation;
}

/** Calls back when the connection to the caller is done with this answer, at once if it is already. */
export function whenClosed(response: ServerResponse, callback: () => void): void {
  if (response.closed) callback();
  else response.once('close', callback);
}

/** Reason of the abort when the caller closed the connection; nobody is left to be told. */
export class CallerGone extends Error {
  override readonly name = 'CallerGone';

  constructor() {
    super('The caller closed the connection.');
  }
}

/**
 * Writes to the caller; the returned promise settles when there is room for more, which is what makes the sender wait.
 * Resolves at once when the caller has gone.
 */
export function writeToCaller(response: ServerResponse, chunk: Uint8Array): Promise<void> | undefined {
  if (response.destroyed || response.write(chunk)) return undefined;
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
    if (response.destroyed) done();
  });
}

/**
 * Lets the rest of a request's body run into nothing. Destroying the request would destroy the socket, and the answer
 * with it.
 */
export function discardBody(request: IncomingMessage): void {
  if (!request.readableEnded) request.resume();
}
