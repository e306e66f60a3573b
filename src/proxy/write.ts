import type { ServerResponse } from 'node:http';

import { abortable } from '../abortable.ts';
import { writeToCaller } from '../http/exchange.ts';
import type { RelayObserver } from '../http/reply.ts';

export type Send = (response: ServerResponse, pieces: readonly Buffer[]) => Promise<void>;

/** Writes all the pieces, so that whole messages stay whole, and then waits until the caller has room for more. */
export function createSend(observer: RelayObserver, signal: AbortSignal): Send {
  return async (response, pieces) => {
    let room: Promise<void> | undefined;
    for (const [index, bytes] of pieces.entries()) {
      if (index < pieces.length - 1) response.write(bytes);
      else room = writeToCaller(response, bytes);
      observer.sent(bytes);
    }
    if (room !== undefined) await abortable(room, signal);
  };
}
