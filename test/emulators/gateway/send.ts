import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';

import { beginCall } from '../../support/raw-client.ts';

export interface RawRequest {
  /** Default POST. */
  readonly method?: string;
  /** Sent as it is: nothing is normalised. */
  readonly target: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends one request over a connection of its own and waits for the whole response. */
export async function send(origin: string, request: RawRequest): Promise<RawResponse> {
  const answer = await open(origin, request);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) };
}

/** Sends one request and resolves with the response as soon as its head is there. */
export function open(
  origin: string,
  { method = 'POST', target, headers = {}, body }: RawRequest,
): Promise<IncomingMessage> {
  const { request, response } = beginCall(origin, { method, path: target, headers });
  request.end(body);
  return response;
}
