import type { Dispatcher } from 'undici';

import { whenAborted } from '../abortable.ts';
import { type Clock, systemClock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { createAnswerBody, type ReadableBody } from './answer-body.ts';
import { createConnections } from './connections.ts';
import { type AnswerHeaders, isChunked } from './answer-headers.ts';
import { createSilenceTimer } from './silence.ts';

export interface UpstreamRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
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
  /** The same bytes, for who reads them one after the other as they come. Throws as `read` does. */
  readonly body: ReadableBody;
  /** Closes the connection unless the answer is complete. */
  abort(): void;
}

/** There is no connection to Bedrock: it has not seen a byte of the request. */
export class NotConnected extends ProxyError {
  constructor(cause: unknown) {
    super('upstreamBroken', 'The connection to Bedrock failed.', { cause });
  }
}

export interface Upstream {
  /**
   * Sends a request and waits for the headers of its answer. Nothing is sent twice.
   *
   * @throws NotConnected when Bedrock cannot be reached; ProxyError `upstreamBroken` when it hangs up, `modelTimeout`
   *   without headers in time
   */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /** Makes the connection for the first request already. */
  prepare(): void;
  close(): Promise<void>;
}

/** Times in milliseconds. */
export interface UpstreamLimits {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly idleMs: number;
}

/** Calls to the origin of one service. */
export function createUpstream(origin: string, limits: UpstreamLimits, clock: Clock = systemClock): Upstream {
  const { pool, prepare, close } = createConnections(origin, limits.connectMs, clock);
  return { send: (request) => exchange(pool, request, limits, clock), prepare, close };
}

/** One request and its answer. Whatever ends it, it ends once: for the reader, for the timer, at the signal. */
function exchange(
  pool: Dispatcher,
  request: UpstreamRequest,
  limits: UpstreamLimits,
  clock: Clock,
): Promise<UpstreamAnswer> {
  const head = Promise.withResolvers<UpstreamAnswer>();
  let controller: Dispatcher.DispatchController | undefined;
  const pieces = [...request.body];
  let framed = true;
  let stopListening: (() => void) | undefined;

  const isPaused = () => controller?.paused === true;
  const body = createAnswerBody(() => {
    if (!isPaused()) return;
    silence.heard();
    controller?.resume();
  });
  // While the connection is paused, it is silent because the caller is slow.
  const silence = createSilenceTimer(clock, isPaused, (message) => abort(new ProxyError('modelTimeout', message)));

  const end = (failure?: unknown) => {
    if (body.ended) return;
    body.end(failure);
    silence.stop();
    stopListening?.();
    if (failure !== undefined) head.reject(failure);
  };
  const abort = (reason: unknown) => {
    end(reason);
    controller?.abort(reason instanceof Error ? reason : new Error('aborted'));
  };

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started;
      if (body.ended) started.abort(new Error('aborted'));
    },
    // undici keeps them until the answer has ended: the prompts of long streams would fill the memory.
    onRequestSent() {
      pieces.length = 0;
    },
    onResponseStart(_controller, status, parsed) {
      if (status < 200) return;
      if (status > 599) return abort(new ProxyError('upstreamBroken', 'Bedrock answered with an unknown status.'));
      silence.expect(limits.idleMs, 'Bedrock fell silent in the middle of its answer.');
      const headers = parsed as AnswerHeaders;
      framed = status === 204 || status === 304 || 'content-length' in headers || isChunked(headers);
      head.resolve({ status, headers, read: body.read, body, abort: () => abort(new Error('aborted')) });
    },
    onResponseData(started, chunk) {
      silence.heard();
      if (!body.add(chunk)) started.pause();
    },
    onResponseEnd: () => {
      // Nothing tells the end of an unframed body from a connection that broke (RFC 9112 section 8).
      end(framed ? undefined : new ProxyError('upstreamBroken', 'The end of the answer cannot be told from a break.'));
    },
    onResponseError: (_controller, cause) =>
      end(
        // undici starts a request when it begins to write it to a connection.
        controller === undefined && !isInvalid(cause)
          ? new NotConnected(cause)
          : new ProxyError('upstreamBroken', 'The connection to Bedrock failed.', { cause }),
      ),
  };

  if (request.signal.aborted) {
    end(request.signal.reason);
  } else {
    stopListening = whenAborted(request.signal, abort);
    silence.expect(limits.headersMs, 'Bedrock did not answer in time.');
    pool.dispatch({ method: request.method, path: request.target, ...payload(request, pieces) }, handler);
  }
  return head.promise;
}

/** Whether a request was one that can be sent to nobody. */
function isInvalid(cause: Error): boolean {
  return 'code' in cause && cause.code === 'UND_ERR_INVALID_ARG';
}

/** Up to this size a body of one piece is given to undici itself, which sends it faster and keeps it longer than a list. */
const KEPT_BYTES = 65_536;

/**
 * A body in several pieces goes out as it is, without being copied into one; its length is known, so it is not sent
 * chunked.
 */
function payload({ method, headers, bodyLength }: UpstreamRequest, pieces: readonly Buffer[]) {
  const [first] = pieces;
  if (first === undefined) return { headers, body: method === 'GET' || method === 'DELETE' ? null : '' };
  if (pieces.length === 1 && first.length <= KEPT_BYTES) return { headers, body: first };
  return { headers: { ...headers, 'content-length': String(bodyLength) }, body: pieces as unknown as Buffer };
}
