/** Fields of one connection, not of the message (RFC 9110 section 7.6.1), and those that announce a trailer. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Bedrock's headers as they go back to the caller: all but those of the connection, `Connection`'s own list included, and
 * but values that are not ASCII, for which the Functions host would replace the whole answer by a 502 (dotnet/yarp#2647).
 */
export function returnedHeaders(
  headers: Readonly<Record<string, string | string[]>>,
): Record<string, string | string[]> {
  const nominated = headers['connection'];
  const dropped = nominated === undefined ? undefined : namesOf(String(nominated));
  const returned: Record<string, string | string[]> = Object.create(null);
  for (const name in headers) {
    const value = headers[name] ?? '';
    if (HOP_BY_HOP.has(name) || dropped?.has(name) === true) continue;
    if (typeof value === 'string' ? isAscii(value) : value.every(isAscii)) returned[name] = value;
  }
  return returned;
}

function namesOf(list: string): Set<string> {
  return new Set(list.split(',').map((name) => name.trim().toLowerCase()));
}

/** True for a value that every hop reads the same (RFC 9110 section 5.5). */
export function isAscii(value: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(value);
}
