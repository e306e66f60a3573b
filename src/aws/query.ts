import { ProxyError } from '../errors.ts';

/**
 * A query string as the signer takes it: decoded, a repeated name with all its values.
 *
 * @param query without the question mark
 * @throws ProxyError `invalidRequest` when it is not percent-encoded UTF-8
 */
export function parseQuery(query: string): Record<string, string[]> {
  const parameters = new Map<string, string[]>();
  for (const parameter of query === '' ? [] : query.split('&')) {
    const [name, value] = parseParameter(parameter);
    const values = parameters.get(name);
    if (values === undefined) parameters.set(name, [value]);
    else values.push(value);
  }
  return Object.fromEntries(parameters);
}

/**
 * Name and value of one parameter, decoded.
 *
 * @throws ProxyError `invalidRequest` when it is not percent-encoded UTF-8
 */
export function parseParameter(parameter: string): [name: string, value: string] {
  const equals = parameter.indexOf('=');
  if (equals === -1) return [decodeComponent(parameter), ''];
  return [decodeComponent(parameter.slice(0, equals)), decodeComponent(parameter.slice(equals + 1))];
}

export function malformedQuery(): ProxyError {
  return new ProxyError('invalidRequest', 'The query string is not valid percent-encoded UTF-8.');
}

function decodeComponent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformedQuery();
  }
}
