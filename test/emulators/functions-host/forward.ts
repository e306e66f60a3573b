import {
  request as httpRequest,
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
} from 'node:http';
import type { Clock } from '../../../src/clock.ts';
import { copyAnswer, sendBuffers, sendStream, toResponseHead, type ResponseHead } from './forward-copy.ts';

export interface ForwardRequest {
  readonly port: number;
  readonly method: string;
  readonly path: string;
  /** Flat: name, value, name, value. */
  readonly headers: string[];
  /** HttpClient refuses these headers: every attempt fails before anything is sent. */
  readonly unsendable: boolean;
  /** A buffered body, a chunked one to stream, or none. */
  readonly body: readonly Buffer[] | IncomingMessage | undefined;
  /** Aborted when the rest of a chunked body does not come. */
  readonly broken: AbortSignal;
}

export interface ForwardLimits {
  /** Longest time without progress in either direction. */
  readonly activityTimeoutMs: number;
  /** By which timeouts are counted. */
  readonly clock: Clock;
  /** Longest streamed body. */
  readonly bodyLimitBytes: number;
}

export interface Forwarding {
  /** Resolves, when both bodies are copied, with the head; or with the error that prevented it. Never rejects. */
  readonly outcome: Promise<ResponseHead | Error>;
  /** Gives up, closing the connection to the worker. Nothing once there is an outcome. */
  cancel(reason: Error): void;
}

/** `RetryProxyHandler` of azure-functions-host: ten attempts, the pauses growing from 50 to 250 ms. */
const MAX_ATTEMPTS = 10;
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 250;

/**
 * Takes a call to the worker's HTTP server and copies the answer to the client, except for the end of it, which is the
 * caller's (YARP, `HttpForwarder`). Once the answer has begun, a failure closes the client's connection.
 */
export function forward(
  request: ForwardRequest,
  client: ServerResponse,
  agent: Agent,
  limits: ForwardLimits,
): Forwarding {
  const { promise: outcome, resolve } = Promise.withResolvers<ResponseHead | Error>();
  const { port, method, path, headers, body } = request;
  let settled = false;
  let outgoing: ClientRequest | undefined;
  let head: ResponseHead | undefined;
  let answerCopied = false;
  let bodyTaken = false;
  let attempts = 0;
  let pause: NodeJS.Timeout | undefined;
  const awaitActivity = () => limits.clock.after(limits.activityTimeoutMs, () => failed(new Error('RequestTimedOut')));
  let activity = awaitActivity();

  const settle = (result: ResponseHead | Error): void => {
    settled = true;
    activity.cancel();
    clearTimeout(pause);
    resolve(result);
  };
  const failed = (error: Error): void => {
    if (settled) return;
    settle(error);
    outgoing?.destroy();
    if (client.headersSent) client.destroy();
  };
  const progress = (): void => {
    if (settled) return;
    activity.cancel();
    activity = awaitActivity();
  };
  const events = { progress, failed };

  const settleWhenCopied = (): void => {
    if (!settled && head && answerCopied && outgoing?.writableFinished) settle(head);
  };
  const retry = (error: Error, pauseMs: number): void => {
    attempts += 1;
    if (settled) return;
    if (attempts >= MAX_ATTEMPTS) failed(error);
    else pause = setTimeout(attempt, pauseMs);
  };
  const nextPauseMs = (): number => Math.min(FIRST_PAUSE_MS * 2 ** attempts, LAST_PAUSE_MS);

  const attempt = (): void => {
    if (request.unsendable)
      return retry(new Error('Request headers must contain only ASCII characters.'), nextPauseMs());
    if (bodyTaken) return retry(new Error('Stream was already consumed.'), nextPauseMs());
    const sent = rawRequest({ host: '127.0.0.1', port, method, path, headers, agent });
    outgoing = sent;
    sent.once('finish', settleWhenCopied);
    sent.once('response', (response) => {
      progress();
      const answerHead = toResponseHead(response);
      head = answerHead;
      // HttpClient sends the whole request before it looks at the answer.
      onFinished(sent, () => {
        copyAnswer(response, answerHead, client, events, () => {
          answerCopied = true;
          settleWhenCopied();
        });
      });
    });
    sent.on('error', (error) => {
      // A pooled connection that turned out closed is replaced at once.
      if (!head) retry(error, sent.reusedSocket && !bodyTaken ? 0 : nextPauseMs());
      else if (!sent.writableFinished) failed(error);
    });
    if (!body) return void sent.end();
    onConnected(sent, () => {
      bodyTaken = true;
      if ('rawHeaders' in body) {
        sendStream(body, sent, events, limits.bodyLimitBytes);
        // The worker has the head by then: its function sees an upload that is cut.
        onAborted(request.broken, () => setImmediate(failed, new Error('Unexpected end of request content.')));
      } else sendBuffers(body, sent, events);
    });
    return undefined;
  };

  attempt();
  return { outcome, cancel: failed };
}

function onAborted(signal: AbortSignal, callback: () => void): void {
  if (signal.aborted) callback();
  else signal.addEventListener('abort', callback, { once: true });
}

function onFinished(request: ClientRequest, callback: () => void): void {
  if (request.writableFinished) callback();
  else request.once('finish', callback);
}

/** What Node's client does not send in a value, and .NET's does. */
const UNSENT = /[^\t\x20-\x7e]/g;
const HIDDEN = /[\x80-\xff]/g;

/**
 * A request whose values go out as they are. Node would refuse control characters in them: they are hidden
 * behind the highest bit, which nothing else here has set, until the head is written.
 */
function rawRequest(options: RequestOptions & { path: string; headers: readonly string[] }): ClientRequest {
  const request = httpRequest({
    ...options,
    headers: options.headers.map((text) => text.replaceAll(UNSENT, (character) => flip(character))),
  });
  const { _header: head } = request as unknown as { _header: string };
  Object.assign(request, { _header: head.replaceAll(HIDDEN, (character) => flip(character)) });
  return request;
}

function flip(character: string): string {
  return String.fromCharCode(character.charCodeAt(0) ^ 0x80);
}

/** A body can be read once only, so it is not touched before there is a connection. */
function onConnected(request: ClientRequest, callback: () => void): void {
  request.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', callback);
    else callback();
  });
}
