import { malformedQuery, parseParameter } from '../aws/query.ts';
import type { Operation } from '../bedrock/service.ts';
import { ProxyError } from '../errors.ts';

/**
 * Query parameters that stay here, in lower case: keys of the host and of the gateway, the name by which the Functions
 * host lets a query replace the request's headers, and what is left of a presigned URL (`x-amz-…`).
 */
const KEPT_BACK = new Set(['code', 'headers', 'api-key', 'subscription-key']);

/** `SignatureV4` collects parameters in an object, where this name is not one of them: its signature would be wrong. */
const UNSIGNABLE = '__proto__';

/** More than an operation of AWS's has; each is looked at by itself. */
const MOST_PARAMETERS = 64;

/**
 * The query string as it is signed and sent: unchanged but for the parameters that stay here and for a literal `+`,
 * which becomes `%2B` (RFC 3986 gives `+` no meaning in a query, form decoders read a space; encoded, both agree).
 *
 * @param query as received, without the question mark
 * @param taken the parameters that the operation takes, as in its row
 * @throws ProxyError `invalidRequest` when it is not percent-encoded UTF-8, cannot be signed, or holds what the operation
 *   does not take
 */
export function forwardedQuery(query: string, taken: Operation['query'] = []): string {
  if (query === '') return '';
  // Node's parser lets tabs and bytes above 126 through; what they mean would be up to the reader.
  if (/[^!-~]|#/.test(query)) throw malformedQuery();
  const parameters = query.split('&', MOST_PARAMETERS + 1);
  if (parameters.length > MOST_PARAMETERS) throw invalid(`The query has more than ${MOST_PARAMETERS} parameters.`);
  const left = taken === 'any' ? undefined : new Set(taken);
  const kept = parameters.filter((parameter) => {
    const [name] = parseParameter(parameter);
    const lowerCase = name.toLowerCase();
    if (lowerCase === UNSIGNABLE) throw invalid(`The query parameter ${UNSIGNABLE} cannot be signed.`);
    if (parameter === '' || KEPT_BACK.has(lowerCase) || lowerCase.startsWith('x-amz-')) return false;
    if (left?.delete(name) === false)
      throw invalid('The query has a parameter that this operation does not take, or has one twice.');
    return true;
  });
  return kept.join('&').replaceAll('+', '%2B');
}

function invalid(message: string): ProxyError {
  return new ProxyError('invalidRequest', message);
}
