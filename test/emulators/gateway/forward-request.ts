import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';

import { PolicyError, UnsupportedPolicyError } from './errors.ts';
import type { Exchange, Outcome } from './exchange.ts';
import { endToEnd, flatten, headerList, valuesOf, without, type HeaderList } from './header-list.ts';
import { inSteps } from './response-buffer.ts';
import { attributesOf, elementsOf, reject, type Statement } from './statement.ts';

/** Attributes of which only one value is emulated: the reference's default, or what the policy of the project says. */
const ONLY: Readonly<Record<string, string>> = {
  'follow-redirects': 'false',
  'buffer-request-body': 'false',
  'fail-on-error-status-code': 'false',
};

/**
 * `forward-request`: sends the request to the chosen backend and waits for the head of the response. Bodies stream
 * both ways; without `buffer-response="false"` the answer arrives in steps of 8 KB.
 */
export const forwardRequest: Statement = {
  sections: ['backend'],
  once: true,
  compile(element) {
    const attributes = attributesOf(element, [], ['timeout', 'buffer-response', ...Object.keys(ONLY)]);
    if (elementsOf(element).length > 0) reject(element, 'takes no child elements');
    for (const [name, only] of Object.entries(ONLY)) {
      if ((element.attributes.get(name) ?? only) !== only) reject(element, `only ${name}="${only}" is emulated`);
    }
    const { timeout = '300', 'buffer-response': buffered = 'true' } = attributes;
    if (!/^\d+$/.test(timeout)) reject(element, 'timeout is a number of seconds');
    if (buffered !== 'true' && buffered !== 'false') reject(element, 'buffer-response is true or false');
    return async (exchange): Promise<Outcome> => {
      const answer = await send(exchange, Number(timeout) * 1000);
      exchange.response = {
        status: answer.statusCode ?? 0,
        reason: answer.statusMessage ?? '',
        headers: endToEnd(headerList(answer.rawHeaders)),
        body: buffered === 'true' ? inSteps(answer) : answer,
      };
      return 'continue';
    };
  },
};

function send(exchange: Exchange, timeoutMs: number): Promise<IncomingMessage> {
  const { backend, incoming, request } = exchange;
  if (backend === undefined) throw new UnsupportedPolicyError('forward-request without a backend is not emulated');
  const base = new URL(backend);
  const hasBody = ['content-length', 'transfer-encoding'].some((name) => valuesOf(request.headers, name).length > 0);
  const headers = forwardedHeaders(exchange, base.host, hasBody);
  const path = request.path + (request.query === '' ? '' : `?${request.query}`);
  return new Promise((resolve, refuse) => {
    const outgoing = httpRequest({
      host: base.hostname,
      port: base.port,
      method: request.method,
      path,
      headers: flatten(headers),
      // A connection kept from an earlier request may be dead by now, and that failure would be this equipment's.
      agent: false,
      signal: exchange.clientGone,
    });
    exchange.record.forwarded = { method: request.method, target: path, rawHeaders: flatten(headers) };
    exchange.onForward(exchange.record);
    const timer = setTimeout(() => outgoing.destroy(new BackendTimeout()), timeoutMs);
    outgoing.once('response', (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    outgoing.on('error', (error) => {
      clearTimeout(timer);
      refuse(failure(error, exchange));
    });
    if (hasBody) copyBody(incoming, outgoing);
    else outgoing.end();
  });
}

/** Not by `pipe`: Node's client tells of no more `drain` once the answer is complete, which may be before the body is. */
function copyBody(incoming: IncomingMessage, outgoing: ClientRequest): void {
  incoming.on('data', (chunk: Buffer) => {
    if (!outgoing.write(chunk, () => incoming.resume())) incoming.pause();
  });
  incoming.once('end', () => outgoing.end());
}

class BackendTimeout extends Error {}

function failure(error: Error, { clientGone }: Exchange): PolicyError {
  const [reason, message] = clientGone.aborted
    ? ['ClientConnectionFailure', 'A connection with a client has been lost.']
    : error instanceof BackendTimeout
      ? ['Timeout', 'The backend did not answer within the configured time.']
      : ['BackendConnectionFailure', 'The connection with the backend could not be made or was closed.'];
  return new PolicyError({ source: 'forward-request', reason, status: 500, message });
}

/** The backend's host, the client's address behind those already listed, and one kind of body framing. */
function forwardedHeaders({ request }: Exchange, host: string, hasBody: boolean): HeaderList {
  const via = [...valuesOf(request.headers, 'x-forwarded-for'), request.ipAddress].join(',');
  const chunked = valuesOf(request.headers, 'transfer-encoding').length > 0;
  const kept = ['host', 'expect', 'x-forwarded-for'].reduce<HeaderList>(without, endToEnd(request.headers));
  return [
    ['Host', host],
    ...kept,
    ['X-Forwarded-For', via],
    ...(chunked ? [['Transfer-Encoding', 'chunked'] as const] : []),
    ...(!hasBody && request.method === 'POST' ? [['Content-Length', '0'] as const] : []),
  ];
}
