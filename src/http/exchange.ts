import type { IncomingMessage, ServerResponse } from 'node:http';

/** The request of one invocation and what it is answered by, as Node has them. */
export interface Exchange {
  /** Invocation id of the Functions host. */
  readonly id: string;
  /** Arrival of the request's headers, by the clock of the proxy. */
  readonly startedAt: number;
  readonly method: string;
  /** Path and query as the host forwarded them. */
  readonly url: string;
  /** Headers and body; method and URL are no longer those of the caller (see `hideFromLibrary`). */
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the caller has gone before the answer was complete. */
  readonly gone: AbortSignal;
}

/** Calls back when the connection to the caller is done with this answer, at once if it is already. */
export function whenClosed(response: ServerResponse, callback: () => void): void {
  if (response.closed) callback();
  else response.once('close', callback);
}

/**
 * Writes all the pieces to the caller, so that whole messages stay whole. Returns a promise that settles when there is
 * room for more, which is what makes the sender wait; undefined when there is room, or the caller has gone.
 */
export function writeAll(response: ServerResponse, pieces: readonly Uint8Array[]): Promise<void> | undefined {
  let hasRoom = true;
  for (const piece of pieces) if (!response.destroyed) hasRoom = response.write(piece);
  if (hasRoom || response.destroyed) return undefined;
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

/**
 * Lets the rest of a request's body run into nothing. Destroying the request would destroy the socket, and the answer
 * with it.
 */
export function discardBody(request: IncomingMessage): void {
  if (!request.readableEnded) request.resume();
}
