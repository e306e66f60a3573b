import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Exchange } from './exchange.ts';
import { headerList } from './header-list.ts';

/**
 * The exchange of a request that has arrived.
 *
 * @param suffix of the API, which the backend does not see
 * @param decodeSlashes whether `%2F` in the path becomes `/`
 */
export function newExchange(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  suffix: string,
  decodeSlashes: boolean,
  onForward: Exchange['onForward'],
): Exchange {
  const clientGone = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) clientGone.abort();
  });
  const [path = '', ...query] = (incoming.url ?? '').split('?');
  const below = path.slice(suffix.length);
  return {
    requestId: randomUUID(),
    incoming,
    request: {
      method: incoming.method ?? '',
      path: decodeSlashes ? below.replaceAll(/%2f/gi, '/') : below,
      query: query.join('?'),
      headers: headerList(incoming.rawHeaders),
      ipAddress: incoming.socket.remoteAddress ?? '',
    },
    response: { status: 200, reason: 'OK', headers: [], body: '' },
    addedHeaders: [],
    variables: new Map(),
    operation: undefined,
    subscription: undefined,
    backend: undefined,
    lastError: undefined,
    afterOutbound: [],
    quotasCounted: new Set(),
    record: {
      method: incoming.method ?? '',
      target: incoming.url ?? '',
      rawHeaders: incoming.rawHeaders,
      forwarded: undefined,
    },
    onForward,
    clientGone: clientGone.signal,
  };
}
