import { buildConnector, type Dispatcher, Pool } from 'undici';

import { ProxyError } from '../errors.ts';
import { type AnswerHeaders, isChunked, readHeaders } from './response-headers.ts';
import { connectEarly } from './preconnect.ts';
import { createPieceQueue } from './chunk-queue.ts';

export interface UpstreamRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body in pieces, as they arrived. */
  readonly body: readonly Buffer[];
  readonly bodyLength: number;
  /** Aborts the request; its reason is what `send` or `read` rejects with. */
  readonly signal: AbortSignal;
}

/** Bedrock's answer: its headers are there, its body flows as it is read. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /**
   * The next bytes of the body, or undefined at its end. Not reading makes Bedrock wait.
   *
   * @throws ProxyError `upstreamBroken` when the connection broke, `modelTimeout` when Bedrock fell silent
   */
  read(): Promise<Buffer | undefined>;
  /** Closes the connection unless the answer is complete. */
  abort(): void;
}

export interface Upstream {
  /**
   * Sends a request and waits for the headers of its answer. Nothing is sent twice.
   *
   * @throws ProxyError `upstreamBroken` when Bedrock cannot be reached or hangs up, `modelTimeout` without headers in time
   */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /** Makes the connection for the first request already. A failure is not told: that request will meet it again. */
  prepare(): void;
  close(): Promise<void>;
}

/** Times in milliseconds. */
export interface UpstreamLimits {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly idleMs: number;
}

/** Idle connections are kept this long, unless Bedrock announces less; it saves a TLS handshake per call. */
const KEEP_ALIVE_MS = 30_000;

/** Bytes of an answer kept ready for a slow caller before the connection to Bedrock is paused. */
const READ_AHEAD_BYTES = 65_536;

/**
 * The one pool of HTTP/1.1 connections to Bedrock. undici's own timeouts are off: their clock ticks in whole seconds,
 * and a caller that reads slowly must not look like a silent Bedrock.
 */
export function createUpstream(origin: string, limits: UpstreamLimits): Upstream {
  const connections = connectEarly(buildConnector({ allowH2: false, timeout: limits.connectMs }), origin);
  const pool = new Pool(origin, {
    allowH2: false,
    connect: connections.connect,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    send: (request) => exchange(pool, request, limits),
    prepare: connections.begin,
    close() {
      connections.close();
      return pool.destroy();
    },
  };
}

function exchange(pool: Pool, request: UpstreamRequest, limits: UpstreamLimits): Promise<UpstreamAnswer> {
  const head = Promise.withResolvers<UpstreamAnswer>();
  const queue = createPieceQueue();
  let controller: Dispatcher.DispatchController | undefined;
  let failure: unknown;
  let done = false;
  let framed = true;
  let wakeReader: (() => void) | undefined;

  const onSilence = (message: string) => {
    // A paused connection is silent because the caller is slow.
    if (controller?.paused === true) timer.refresh();
    else abort(new ProxyError('modelTimeout', message));
  };
  let timer = setTimeout(onSilence, limits.headersMs, 'Bedrock did not answer in time.');

  const finish = (error?: unknown) => {
    if (done) return;
    done = true;
    failure = error;
    clearTimeout(timer);
    request.signal.removeEventListener('abort', onAbort);
    if (error !== undefined) head.reject(error);
    wakeReader?.();
  };
  const abort = (reason: unknown) => {
    finish(reason);
    controller?.abort(reason instanceof Error ? reason : new Error('aborted'));
  };
  const onAbort = () => abort(request.signal.reason);

  const read = async (): Promise<Buffer | undefined> => {
    if (queue.bytes === 0 && !done) {
      await new Promise<void>((resolve) => {
        wakeReader = resolve;
      });
    }
    const bytes = queue.take();
    if (bytes === undefined) {
      if (failure !== undefined) throw failure;
      return undefined;
    }
    if (controller?.paused === true && !done && queue.bytes < READ_AHEAD_BYTES) {
      timer.refresh();
      controller.resume();
    }
    return bytes;
  };

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started;
      if (failure !== undefined) started.abort(new Error('aborted'));
    },
    onResponseStart(started, status) {
      if (status < 200) return;
      clearTimeout(timer);
      timer = setTimeout(onSilence, limits.idleMs, 'Bedrock fell silent in the middle of its answer.');
      if (status > 599) return abort(new ProxyError('upstreamBroken', 'Bedrock answered with an unknown status.'));
      const headers = readHeaders((started.rawHeaders ?? []) as readonly Buffer[]);
      framed = status === 204 || status === 304 || 'content-length' in headers || isChunked(headers);
      head.resolve({ status, headers, read, abort: () => abort(new Error('aborted')) });
    },
    onResponseData(started, chunk) {
      queue.add(chunk);
      timer.refresh();
      if (queue.bytes >= READ_AHEAD_BYTES) started.pause();
      wakeReader?.();
    },
    onResponseEnd: () => {
      // Nothing tells the end of an unframed body from a connection that broke (RFC 9112 section 8).
      finish(
        framed ? undefined : new ProxyError('upstreamBroken', 'The end of the answer cannot be told from a break.'),
      );
    },
    onResponseError: (_controller, cause) =>
      finish(new ProxyError('upstreamBroken', 'The connection to Bedrock failed.', { cause })),
  };

  if (request.signal.aborted) {
    onAbort();
  } else {
    request.signal.addEventListener('abort', onAbort, { once: true });
    pool.dispatch({ method: request.method, path: request.target, ...payload(request) }, handler);
  }
  return head.promise;
}

/**
 * A body in several pieces goes out as it is, without being copied into one; its length is known, so it is not sent
 * chunked.
 */
function payload({ method, headers, body, bodyLength }: UpstreamRequest) {
  const [first, second] = body;
  if (second === undefined) return { headers, body: first ?? (method === 'POST' ? '' : null) };
  return { headers: { ...headers, 'content-length': String(bodyLength) }, body: body as unknown as Buffer };
}
