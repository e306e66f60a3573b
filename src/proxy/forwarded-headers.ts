import type { IncomingHttpHeaders } from 'node:http';

import { ProxyError } from '../errors.ts';
import { isAscii } from '../http/returned-headers.ts';

/** Headers of a request to Bedrock, names in lower case. */
export interface ForwardedHeaders {
  readonly signed: Readonly<Record<string, string>>;
  /** Sent beside the signature: values that say nothing about what the request asks for. */
  readonly unsigned: Readonly<Record<string, string>>;
}

/**
 * An allow list, because every other header that arrives here belongs to somebody on the way (API Management, the App
 * Service front end, the Functions host) or is the client's credential for the gateway.
 */
const SIGNED = new Set([
  'accept',
  'anthropic-beta',
  'anthropic-version',
  'content-encoding',
  'content-type',
  'x-amz-source-arn',
  'x-amz-user-agent',
]);
const SIGNED_PREFIX = 'x-amzn-bedrock-';
const UNSIGNED = new Set(['amz-sdk-invocation-id', 'amz-sdk-request', 'user-agent', 'x-amzn-trace-id']);

/**
 * Splits off what goes to Bedrock. AWS drops names with an underscore before it verifies, so that a signature over one
 * would be refused.
 *
 * @param prefix what the names of further headers begin with that the operation takes
 * @throws ProxyError `invalidRequest` for a value that is not ASCII: signer and verifier would read it in different
 *   character sets (RFC 9110 section 5.5)
 */
export function forwardedHeaders(headers: IncomingHttpHeaders, prefix = SIGNED_PREFIX): ForwardedHeaders {
  const signed: Record<string, string> = {};
  const unsigned: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (typeof value !== 'string' || name.includes('_')) continue;
    const isSigned = SIGNED.has(name) || name.startsWith(SIGNED_PREFIX) || name.startsWith(prefix);
    const target = isSigned ? signed : UNSIGNED.has(name) ? unsigned : null;
    if (target === null) continue;
    if (!isAscii(value)) {
      throw new ProxyError('invalidRequest', `The value of the header ${name} is not ASCII.`);
    }
    target[name] = value;
  }
  return { signed, unsigned };
}
