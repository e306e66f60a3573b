import type { ServerResponse } from 'node:http';
import { AwsError } from './aws-error.ts';
import type { ReceivedRequest } from './received-request.ts';
import type { Tokens } from './tokens.ts';
import { end, pause, write, writeHeaders, type Headers } from './wire.ts';

/** A whole answer before it is sent, so that a fault can cut, split or slow the very bytes a good one would have. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The body in the pieces the service sends: one for a plain answer, one per event for a stream. */
  readonly parts: readonly Buffer[];
  /** What the answer says it cost; absent where the operation costs nothing. */
  readonly tokens?: Tokens;
}

/** Makes the answer to a request; throws AwsError for one the service would refuse. */
export type AnswerSource = (request: ReceivedRequest) => Answer;

/** Headers of a streamed answer in AWS's own framing. */
export const EVENT_STREAM: Headers = { 'content-type': 'application/vnd.amazon.eventstream' };
/** Headers of a streamed answer on the OpenAI and Anthropic routes. */
export const SERVER_SENT_EVENTS: Headers = { 'content-type': 'text/event-stream; charset=utf-8' };

/** A plain answer; an object is sent as JSON. */
export function plain(body: object | Buffer, headers: Headers = {}, tokens?: Tokens): Answer {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'content-length': String(bytes.length), ...headers },
    parts: [bytes],
    ...(tokens === undefined ? {} : { tokens }),
  };
}

/** A streamed answer; what it weighs is not announced. */
export function streamed(parts: readonly Buffer[], headers: Headers, tokens?: Tokens): Answer {
  return { status: 200, headers, parts, ...(tokens === undefined ? {} : { tokens }) };
}

/** The restJson1 form of a failure. */
export function errorAnswer({ status, errorType, message }: AwsError): Answer {
  return { ...plain({ message }, { 'x-amzn-ErrorType': errorType }), status };
}

/** `source`'s answer to `request`, or the failure it throws as one. */
export function answerOrError(source: AnswerSource, request: ReceivedRequest): Answer {
  try {
    return source(request);
  } catch (error) {
    if (error instanceof AwsError) return errorAnswer(error);
    throw error;
  }
}

/**
 * Sends all of `answer`, with a pause between the parts of a streamed one. Stops when the client is gone. Calls
 * `beforeLast` when nothing but the last part is missing, and waits for it: no client can have seen the whole answer before.
 */
export async function sendAnswer(
  response: ServerResponse,
  answer: Answer,
  { eventDelayMs = 0, beforeLast }: { eventDelayMs?: number; beforeLast?: () => void | Promise<void> } = {},
): Promise<void> {
  const { status, headers, parts } = answer;
  const last = parts.at(-1);
  if (parts.length > 1) {
    await writeHeaders(response, status, headers);
    await writeParts(response, parts.slice(0, -1), eventDelayMs);
    await pause(response, eventDelayMs);
  } else {
    response.writeHead(status, headers);
  }
  if (!response.destroyed) await beforeLast?.();
  await end(response, last);
}

/** Writes one part after the other, each once the system has taken the one before it and `delayMs` have passed. */
export async function writeParts(
  response: ServerResponse,
  parts: readonly Uint8Array[],
  delayMs: number,
): Promise<void> {
  let first = true;
  for await (const part of parts) {
    if (!first) await pause(response, delayMs);
    first = false;
    if (!(await write(response, part))) return;
  }
}
