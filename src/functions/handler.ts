import type { ServerResponse } from 'node:http';

import type { HttpResponseInit, InvocationContext } from '@azure/functions';

import { errorReply, type FailedRequest, toProxyError } from '../errors.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Reply } from '../http/reply.ts';
import { logDefect } from '../log.ts';
import { claimExchange } from './invocation.ts';
import type { InFlight } from './shutdown.ts';

/** Answers an exchange. `traceContext` is of the span that the Functions host has for the invocation. */
export type Answer = (exchange: Exchange, traceContext: InvocationContext['traceContext']) => Promise<Reply>;

/** What Functions calls for each invocation. Never rejects: a handler that fails leaves its caller without any answer. */
export function createHandler(
  answer: Answer,
  inFlight: InFlight,
): (request: unknown, context: InvocationContext) => Promise<HttpResponseInit> {
  return async (_request, { invocationId, traceContext }) => {
    let exchange: Exchange | undefined;
    try {
      exchange = claimExchange(invocationId);
      // Fails closed: without the raw request every header could be forged.
      if (exchange === undefined) return defect(new Error('no raw request'), { id: invocationId });
      inFlight.add(exchange.response);
      return handOver(await answer(exchange, traceContext), exchange);
    } catch (error) {
      return defect(error, exchange ?? { id: invocationId });
    }
  };
}

/** Logs a defect of ours and makes its reply, which tells the caller nothing. */
export function defect(error: unknown, request: FailedRequest): HttpResponseInit {
  logDefect(error, request.id);
  const { status, headers, body } = errorReply(toProxyError(new Error('defect', { cause: error })), request);
  return { status, headers, body: body[0] };
}

/**
 * The reply in the library's terms, which are few: headers and bytes go straight to the connection. The library would
 * join a repeated field into one, which Set-Cookie does not survive, copy each field three times, and wrap the body.
 */
function handOver({ status, headers, body, writeBody }: Reply, { response }: Exchange): HttpResponseInit {
  for (const name in headers) response.setHeader(name, headers[name] ?? '');
  if (writeBody === undefined) {
    if (body !== undefined) sendWithEnd(response, body);
    return { status };
  }
  const nothingToYield = async () => {
    await writeBody(response);
    return { done: true as const, value: undefined };
  };
  return { status, body: { [Symbol.asyncIterator]: () => ({ next: nothingToYield }) } };
}

/**
 * Has the library send a whole body with the end of the answer. It is told that there is none: a body would pass through
 * a web stream first, which costs more than everything else that is done with a short answer here.
 */
function sendWithEnd(response: ServerResponse, body: readonly Uint8Array[]): void {
  const end = response.end.bind(response);
  const endWithBody = () => {
    for (const piece of body.slice(0, -1)) response.write(piece);
    return end(body.at(-1));
  };
  Object.assign(response, { end: endWithBody });
}
