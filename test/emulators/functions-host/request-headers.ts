/** A request's headers, in the two views that the function gets of them. */
export interface RequestHeaders {
  /**
   * What becomes `request.headers` in the function, through `triggerMetadata`: every header as the client sent it,
   * hop-by-hop ones included; names in lower case, several values joined with a comma.
   */
  readonly binding: Readonly<Record<string, string>>;
  /** What goes to the worker's HTTP server, flat: name, value, name, value. */
  readonly forwarded: string[];
  /** A value has characters outside of ASCII: .NET's HttpClient refuses to send it. */
  readonly unsendable: boolean;
}

/**
 * Not copied in either direction (YARP, `RequestUtilities`). Names listed in `Connection` are copied, though RFC 9110
 * 7.6.1 wants them removed.
 */
export const UNFORWARDED: ReadonlySet<string> = new Set([
  'alpn',
  'alt-svc',
  'close',
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'proxy-features',
  'proxy-instruction',
  'security-scheme',
  'strict-transport-security',
  'te',
  'transfer-encoding',
  'upgrade',
  'upgrade-insecure-requests',
]);

/** Set anew by the host on the way to the worker, whatever the client sent. */
const REPLACED: ReadonlySet<string> = new Set([
  'host',
  'traceparent',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-ms-invocation-id',
]);

/**
 * Reads `rawHeaders` of an IncomingMessage in one pass. Undefined when a value is not UTF-8, which Kestrel answers with
 * 400.
 */
export function readHeaders(rawHeaders: readonly string[]): RequestHeaders | undefined {
  const binding = Object.create(null) as Record<string, string>;
  const forwarded: string[] = [];
  const places = new Map<string, number>();
  let unsendable = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    let value = rawHeaders[index + 1] ?? '';
    if (/[^\0-\x7f]/.test(value)) {
      const decoded = decodeUtf8(value);
      if (decoded === undefined) return undefined;
      value = decoded;
      unsendable = true;
    }
    const lower = name.toLowerCase();
    const before = binding[lower];
    binding[lower] = before === undefined ? value : `${before},${value}`;
    if (UNFORWARDED.has(lower) || REPLACED.has(lower)) continue;
    const first = places.get(lower);
    // HttpClient makes one field of several.
    if (first === undefined) places.set(lower, forwarded.push(name, value) - 1);
    else forwarded[first] += `, ${value}`;
  }
  return { binding, forwarded, unsendable };
}

/** Node reads header values as latin1; Kestrel as UTF-8. */
function decodeUtf8(latin1: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return undefined;
  }
}
