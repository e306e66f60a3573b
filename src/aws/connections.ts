import { buildConnector, type Dispatcher, Pool } from 'undici';

import type { Clock } from '../clock.ts';
import { connectEarly } from './preconnect.ts';

/** The connections to one origin. */
export interface Connections {
  readonly pool: Dispatcher;
  /** Makes a first connection already. A failure is not told: the first request will meet it again. */
  prepare(): void;
  /** Ends all of them, with what goes over them. */
  close(): Promise<void>;
}

/** Idle connections are kept this long, unless Bedrock announces less; it saves a TLS handshake per call. */
const KEEP_ALIVE_MS = 30_000;

/**
 * A pool of HTTP/1.1 connections. undici's own timeouts for answers are off: their clock ticks in whole seconds, and a
 * caller that reads slowly must not look like a silent Bedrock.
 */
export function createConnections(origin: string, connectMs: number, clock: Clock): Connections {
  const early = connectEarly(buildConnector({ allowH2: false, timeout: connectMs }), origin, clock);
  const pool = new Pool(origin, {
    allowH2: false,
    connect: early.connect,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    pool,
    prepare: early.begin,
    close() {
      early.close();
      return pool.destroy();
    },
  };
}
