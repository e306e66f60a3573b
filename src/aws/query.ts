import { ProxyError } from '../errors.ts';

/**
 * Query parameters that stay here, in lower case: keys of the host and of the gateway, the name by which the Functions
 * host lets a query replace the request's headers, and what is left of a presigned URL (`x-amz-…`).
 */
const KEPT_BACK = new Set(['code', 'headers', 'api-key', 'subscription-key']);

/** `SignatureV4` collects parameters in an object, where this name is not one of them: its signature would be wrong. */
const UNSIGNABLE = '__proto__';

/**
 * The query string as it is signed and sent: unchanged but for the parameters that stay here and for a literal `+`,
 * which becomes `%2B` (RFC 3986 gives `+` no meaning in a query, form decoders read a space; encoded, both agree).
 *
 * @param query as received, without the question mark
 * @throws ProxyError `invalidRequest` when it is not percent-encoded UTF-8, or cannot be signed
 */
export function forwardedQuery(query: string): string {
  if (query === '') return '';
  // Node's parser lets tabs and bytes above 126 through; what they mean would be up to the reader.
  if (/[^!-~]|#/.test(query)) throw malformed();
  const kept = query.split('&').filter((parameter) => {
    const [encodedName = '', ...value] = parameter.split('=');
    decode(value.join('='));
    const name = decode(encodedName).toLowerCase();
    if (name === UNSIGNABLE) throw new ProxyError('invalidRequest', `The query parameter ${name} cannot be signed.`);
    return parameter !== '' && !KEPT_BACK.has(name) && !name.startsWith('x-amz-');
  });
  return kept.join('&').replaceAll('+', '%2B');
}

/** A query string as the signer takes it: decoded, a repeated name with all its values. */
export function parseQuery(query: string): Record<string, string[]> {
  const parameters = new Map<string, string[]>();
  for (const parameter of query === '' ? [] : query.split('&')) {
    const [name = '', ...rest] = parameter.split('=');
    const key = decode(name);
    parameters.set(key, [...(parameters.get(key) ?? []), decode(rest.join('='))]);
  }
  return Object.fromEntries(parameters);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed();
  }
}

function malformed(): ProxyError {
  return new ProxyError('invalidRequest', 'The query string is not valid percent-encoded UTF-8.');
}
