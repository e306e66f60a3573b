import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

import { UNFORWARDED } from './request-headers.ts';

/** Status and headers for the client, which get there with the first byte of the body, or at the end without one. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Flat: name, value, name, value. */
  readonly headers: string[];
}

/** What YARP lets through of an answer's head. */
export function toResponseHead(response: IncomingMessage): ResponseHead {
  const { statusCode: status = 0, statusMessage: reason = '', rawHeaders } = response;
  const headers: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!UNFORWARDED.has(name.toLowerCase())) headers.push(name, rawHeaders[index + 1] ?? '');
  }
  return { status, reason, headers };
}

/** What a copy reports while it runs. */
export interface CopyEvents {
  /** Bytes moved. */
  progress(): void;
  failed(error: Error): void;
}

/** Copies the answer's body to the client with backpressure, the head before its first byte; then calls `done`. */
export function copyAnswer(
  response: IncomingMessage,
  head: ResponseHead,
  client: ServerResponse,
  { progress, failed }: CopyEvents,
  done: () => void,
): void {
  response.on('data', (chunk: Buffer) => {
    progress();
    if (!client.headersSent) client.writeHead(head.status, head.reason, head.headers);
    if (client.write(chunk)) return;
    response.pause();
    client.once('drain', () => {
      progress();
      response.resume();
    });
  });
  response.once('end', done);
  response.once('error', failed);
}

// Both go on when a write is done, not upon `drain`: Node's client takes its listener for that away once an answer is
// complete, and a function may answer before it has read the body.

/** Sends a buffered body to the worker. */
export function sendBuffers(chunks: readonly Buffer[], outgoing: ClientRequest, { progress }: CopyEvents): void {
  const send = (index: number): void => {
    progress();
    if (outgoing.destroyed) return;
    const chunk = chunks[index] ?? '';
    if (index >= chunks.length - 1) outgoing.end(chunk);
    else outgoing.write(chunk, () => send(index + 1));
  };
  send(0);
}

/** Streams a chunked body to the worker, failing at the limit. What the worker does not take is read and dropped. */
export function sendStream(
  source: Readable,
  outgoing: ClientRequest,
  { progress, failed }: CopyEvents,
  limitBytes: number,
): void {
  let length = 0;
  // The function may answer before the first chunk.
  outgoing.flushHeaders();
  source.on('data', (chunk: Buffer) => {
    if (outgoing.destroyed) return;
    progress();
    length += chunk.length;
    if (length > limitBytes) failed(new Error('Request body too large.'));
    else if (!outgoing.write(chunk, () => source.resume())) source.pause();
  });
  outgoing.once('close', () => source.resume());
  source.once('end', () => outgoing.end());
}
