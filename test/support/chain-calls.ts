import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';

import type { Chain } from '../emulators/chain.ts';
import { beginCall, type RawCall } from './raw-client.ts';
import { nextRecord, type RequestRecord } from './records.ts';

/** By which the host names a call, as the record does. */
const INVOCATION_ID = 'x-ms-invocation-id';

type Content = string | Uint8Array;

export interface CallOptions {
  /** Default POST, or GET where there is no body. */
  readonly method?: string;
  /** Beside the key and the content type, which they may replace. */
  readonly headers?: OutgoingHttpHeaders;
  /**
   * Text or bytes as they are, a list of them in chunks and without a length, an object as JSON, null for none;
   * default a conversation without messages.
   */
  readonly body?: Content | readonly Content[] | object | null;
  /** Whether the test itself writes the body and ends it. */
  readonly open?: boolean;
  /** Subscription key; default that of the chain's first subscription. */
  readonly key?: string;
  /** Whom to call; the host, past the gateway, gets no other credential than those in `headers`. */
  readonly door?: 'gateway' | 'host';
}

/** What has come back, to its end. */
export interface ReadAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Whether it ended as HTTP says that it has to; false when the connection broke before. */
  readonly complete: boolean;
}

/** Begins a call; the test reads the answer. */
export function begin(chain: Pick<Chain, 'gateway' | 'host'>, path: string, options: CallOptions = {}): RawCall {
  const { body = '{"messages":[]}', door = 'gateway', open = false } = options;
  const pieces = open ? [] : piecesOf(body);
  const begun = beginCall(chain[door].url + path, {
    method: options.method ?? (body === null && !open ? 'GET' : 'POST'),
    headers: {
      ...(door === 'gateway' && { 'api-key': options.key ?? chain.gateway.subscriptionKey }),
      'content-type': 'application/json',
      // Node tells the length by itself only with the methods that usually have a body.
      ...(pieces.length === 1 && { 'content-length': Buffer.byteLength(pieces[0] ?? '') }),
      ...options.headers,
    },
  });
  for (const piece of pieces) begun.request.write(piece);
  if (!open) begun.request.end();
  return begun;
}

function piecesOf(body: NonNullable<CallOptions['body']> | null): readonly Content[] {
  if (body === null) return [];
  if (typeof body === 'string' || body instanceof Uint8Array) return [body];
  return Array.isArray(body) ? body : [JSON.stringify(body)];
}

/** Reads an answer to its end, also one that breaks. */
export async function read(response: IncomingMessage | Promise<IncomingMessage>): Promise<ReadAnswer> {
  const incoming = await response;
  const pieces: Buffer[] = [];
  incoming.on('data', (piece: Buffer) => pieces.push(piece));
  // A response that breaks is closed as well, after its error.
  incoming.on('error', () => {});
  if (!incoming.closed) await new Promise((resolve) => incoming.once('close', resolve));
  const { statusCode = 0, headers, complete } = incoming;
  return { status: statusCode, headers, body: Buffer.concat(pieces), complete };
}

/** A call and its answer, for what has no record or needs none. */
export function ask(chain: Pick<Chain, 'gateway' | 'host'>, path: string, options?: CallOptions): Promise<ReadAnswer> {
  return read(begin(chain, path, options).response);
}

/** A call, its answer, and the record that the function writes of it once the last byte has gone. */
export async function call(
  chain: Pick<Chain, 'gateway' | 'host'>,
  path: string,
  options?: CallOptions,
): Promise<{ answer: ReadAnswer; record: RequestRecord }> {
  const answer = await ask(chain, path, options);
  return { answer, record: await recordOf(chain, answer) };
}

/**
 * The record of an answer's call, as soon as it is written.
 *
 * @throws Error when the answer does not come from the function, which has then no record of it
 */
export async function recordOf(
  { host }: Pick<Chain, 'host'>,
  { headers }: { readonly headers: IncomingHttpHeaders | Headers },
): Promise<RequestRecord> {
  const id = headers instanceof Headers ? headers.get(INVOCATION_ID) : headers[INVOCATION_ID];
  if (typeof id !== 'string') throw new Error('The call did not reach the function.');
  return nextRecord(host, ({ requestId }) => requestId === id);
}
