import type { Socket } from 'node:net';

import type { buildConnector } from 'undici';

import type { Clock, Timer } from '../clock.ts';

export interface EarlyConnector {
  /** For undici's pool: gives out the early connection once, and makes new ones otherwise. */
  readonly connect: buildConnector.connector;
  /** Makes a connection that nobody has asked for yet. */
  begin(): void;
  /** Closes the early connection if it is still here. */
  close(): void;
}

/** An early connection is closed after this time without a request: a server may close it at the same moment as we use it. */
const KEPT_MS = 10_000;

/**
 * Has a first connection ready before the first call: looking up the name, loading the root certificates and shaking
 * hands take longer than everything else that call does.
 */
export function connectEarly(connect: buildConnector.connector, origin: string, clock: Clock): EarlyConnector {
  const { hostname, host, protocol, port } = new URL(origin);
  const address = hostname.replaceAll(/[[\]]/g, '');
  let connecting = false;
  let ready: Socket | undefined;
  let closing: Timer | undefined;
  let waiting: buildConnector.Callback | undefined;

  const onConnected: buildConnector.Callback = (error, socket) => {
    connecting = false;
    const callback = waiting;
    waiting = undefined;
    if (callback !== undefined) {
      if (error === null) callback(null, socket);
      else callback(error, null);
      return;
    }
    // Whoever calls first will find the same out, and has somebody to tell.
    if (error !== null) return;
    ready = socket;
    closing = clock.after(KEPT_MS, () => ready?.destroy());
  };

  return {
    connect(options, callback) {
      if (connecting && waiting === undefined) {
        waiting = callback;
        return;
      }
      const socket = ready;
      ready = undefined;
      if (socket === undefined) {
        connect(options, callback);
        return;
      }
      closing?.cancel();
      // undici does not notice a connection that is there before its call has returned.
      process.nextTick(() => {
        if (socket.readable && socket.writable) callback(null, socket);
        else connect(options, callback);
      });
    },
    begin() {
      connecting = true;
      connect({ hostname: address, host, protocol, port }, onConnected);
    },
    close() {
      closing?.cancel();
      ready?.destroy();
      ready = undefined;
    },
  };
}
