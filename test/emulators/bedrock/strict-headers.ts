/** What a signing proxy may send to AWS; anything else came from its client or platform and must stay behind. */
const EXPECTED = new Set([
  'accept',
  'accept-encoding',
  'amz-sdk-invocation-id',
  'amz-sdk-request',
  'anthropic-beta',
  'anthropic-version',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'traceparent',
  'tracestate',
  'transfer-encoding',
  'user-agent',
]);

/**
 * The lower-case names that must not reach AWS.
 *
 * @param prefix what further names begin with that the service takes
 */
export function unexpectedHeaders(names: Iterable<string>, prefix = 'x-amz-'): string[] {
  return [...names].filter((name) => !EXPECTED.has(name) && !/^x-amz[n]?-/.test(name) && !name.startsWith(prefix));
}
