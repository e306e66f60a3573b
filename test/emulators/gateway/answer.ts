import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

import type { Exchange } from './exchange.ts';
import { flatten, without } from './header-list.ts';

/**
 * Sends the response of an exchange. A body that breaks off destroys the client's connection: the answer must not look
 * complete. Resolves either way, also when the client is gone.
 */
export async function answer(
  { response, addedHeaders, clientGone }: Exchange,
  outgoing: ServerResponse,
): Promise<void> {
  if (clientGone.aborted) return;
  const { status, reason, body } = response;
  const headers = [...response.headers, ...addedHeaders];
  if (typeof body === 'string') {
    const text = Buffer.from(body, 'utf8');
    const framed = [...without(headers, 'content-length'), ['Content-Length', String(text.length)] as const];
    outgoing.writeHead(status, reason, flatten(framed)).end(text);
    return;
  }
  outgoing.writeHead(status, reason, flatten(headers)).flushHeaders();
  await pipeline(body, outgoing).catch(() => outgoing.destroy());
}
