import type { Socket } from 'node:net';

import { EVENT_STREAM, errorAnswer, sendAnswer, writeParts, type AnswerSource } from './answer.ts';
import { defaultAnswer } from './answers.ts';
import { AwsError } from './aws-error.ts';
import { encodeException } from './frames.ts';
import type { Responder } from './received-request.ts';
import { end, writeHeaders, type Headers } from './wire.ts';

/** Answers with an error of AWS's form; `headers` such as `retry-after` are added. */
export function fail(status: number, errorType: string, message: string, headers: Headers = {}): Responder {
  const answer = errorAnswer(new AwsError(status, errorType, message));
  return (_, response) => sendAnswer(response, { ...answer, headers: { ...answer.headers, ...headers } });
}

/** Closes the connection without a byte of an answer. */
export const closeBeforeHeaders: Responder = (_, response) => {
  response.destroy();
};

/** Sends the headers of the default answer, then closes the connection. */
export const cutAfterHeaders: Responder = cutAt(0);

/**
 * Sends the headers and the first `bytes` bytes of the answer's body, then closes the connection in the middle of it
 * (after all of a streamed body too: its last chunk is not sent).
 */
export function cutAt(bytes: number, answer: AnswerSource = defaultAnswer): Responder {
  return async (request, response) => {
    const { status, headers, parts } = answer(request);
    await writeHeaders(response, status, headers);
    await writeParts(response, [Buffer.concat(parts).subarray(0, bytes)], 0);
    response.destroy();
  };
}

/**
 * Falls silent until the client or the emulator closes the connection: before the headers, after them, or after half of
 * the body (of a stream: half of its events, whole ones).
 */
export function stall(
  phase: 'beforeHeaders' | 'afterHeaders' | 'midBody',
  answer: AnswerSource = defaultAnswer,
): Responder {
  return async (request, response) => {
    if (phase === 'beforeHeaders') return;
    const { status, headers, parts } = answer(request);
    await writeHeaders(response, status, headers);
    if (phase === 'midBody') await writeParts(response, firstHalf(parts), 0);
  };
}

/** Sends the answer's body in chunks of `chunkSize` bytes with `delayMs` between them. */
export function slowly(answer: AnswerSource, chunkSize: number, delayMs: number): Responder {
  return async (request, response) => {
    const { status, headers, parts } = answer(request);
    await writeHeaders(response, status, headers);
    await writeParts(response, split(Buffer.concat(parts), chunkSize), delayMs);
    await end(response);
  };
}

/**
 * Sends `bytes` cut at the given offsets, or every so many bytes, in separate writes: the next one is made when the
 * system has taken the last and a client in the same process has had a turn to read it. Each is a chunk of its own in
 * the chunked coding; only `controlled()` proves that the client has read one before the next is sent.
 */
export function splitAt(at: number | readonly number[], bytes: Uint8Array, headers: Headers = EVENT_STREAM): Responder {
  return async (_, response) => {
    response.socket?.setNoDelay(true);
    await writeHeaders(response, 200, headers);
    await writeParts(response, split(bytes, at), 0);
    await end(response);
  };
}

/** Sends half of the answer's events, then a modelled exception as a frame, then a clean end. */
export function exceptionFrame(
  exceptionType: string,
  message: string,
  answer: AnswerSource = defaultAnswer,
): Responder {
  return async (request, response) => {
    const { status, headers, parts } = answer(request);
    await writeHeaders(response, status, headers);
    await writeParts(response, [...firstHalf(parts), encodeException(exceptionType, message)], 0);
    await end(response);
  };
}

/** Ends a started stream cleanly after `events` whole events, as if it were complete. */
export function endEarly(events: number): Responder {
  return async (request, response) => {
    const { status, headers, parts } = defaultAnswer(request);
    await writeHeaders(response, status, headers);
    await writeParts(response, parts.slice(0, events), 0);
    await end(response);
  };
}

/**
 * Writes these bytes, as latin1, in place of an answer, and leaves the connection open; `Connection: close` in the head
 * keeps the client from using it again. `then` gets the connection afterwards.
 */
export function raw(bytes: string | Buffer, then: (socket: Socket) => unknown = () => {}): Responder {
  return async (_, { socket }) => {
    if (socket === null) throw new Error('An earlier answer on this connection has not ended.');
    await writeTo(socket, Buffer.from(bytes as string, 'latin1'));
    await then(socket);
  };
}

/** Writes `piece` over and over, as fast as it is taken, until the client closes the connection; resolves with the bytes sent. */
export async function flood(socket: Socket, piece: string | Buffer): Promise<number> {
  const bytes = Buffer.from(piece as string, 'latin1');
  while (!socket.destroyed) await writeTo(socket, bytes);
  return socket.bytesWritten;
}

/** Settles when the system has taken the bytes or the connection is gone. */
function writeTo(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    socket.write(bytes, () => resolve());
  });
}

function firstHalf(parts: readonly Buffer[]): readonly Buffer[] {
  const [only] = parts;
  return parts.length === 1 && only !== undefined
    ? [only.subarray(0, only.length / 2)]
    : parts.slice(0, Math.ceil(parts.length / 2));
}

function split(bytes: Uint8Array, at: number | readonly number[]): Uint8Array[] {
  const offsets =
    typeof at === 'number'
      ? Array.from({ length: Math.ceil(bytes.length / at) }, (_, index) => index * at)
      : [0, ...at];
  return offsets.map((start, index) => bytes.subarray(start, offsets[index + 1]));
}
