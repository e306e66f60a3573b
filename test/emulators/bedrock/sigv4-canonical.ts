import { createHash } from 'node:crypto';

/*
 * The canonical request of Signature Version 4 ("Create a signed AWS API request" in the IAM user guide), from the raw
 * bytes of a request. All strings are latin1, one character a byte, as node:http hands out request targets and headers.
 */

/** What is signed of a request. */
export interface RawRequest {
  readonly method: string;
  /** The request target as it stood in the request line. */
  readonly target: string;
  /** Names and values in turn, as `IncomingMessage.rawHeaders`. */
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array;
}

/** Lower-case hexadecimal SHA-256; a string is taken as latin1. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256')
    .update(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
    .digest('hex');
}

/** Target up to the first `?` and what follows it. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf('?');
  return mark === -1 ? { path: target, query: '' } : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/**
 * The path with empty and dot segments resolved and each segment percent-encoded once more than it was sent: every
 * service but S3 encodes twice.
 */
export function canonicalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(uriEncode(segment));
  }
  return segments.length === 0 ? '/' : `/${segments.join('/')}${path.endsWith('/') ? '/' : ''}`;
}

/** The parameters decoded, encoded in the one canonical way, and sorted by name, then value; repeated ones are kept. */
export function canonicalQuery(query: string): string {
  return query
    .split('&')
    .filter((parameter) => parameter !== '')
    .map((parameter) => {
      const equals = parameter.indexOf('=');
      const name = equals === -1 ? parameter : parameter.slice(0, equals);
      const value = equals === -1 ? '' : parameter.slice(equals + 1);
      return [uriEncode(percentDecode(name)), uriEncode(percentDecode(value))] as const;
    })
    .toSorted(([nameA, valueA], [nameB, valueB]) => compareBytes(nameA, nameB) || compareBytes(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** Lower-case names with all their values in order of arrival. */
export function headerValues(rawHeaders: readonly string[]): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const value = rawHeaders[index + 1] ?? '';
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return values;
}

/** The canonical request over the headers named in `signedHeaders`; a named header that was not sent counts as empty. */
export function canonicalRequest(request: RawRequest, signedHeaders: readonly string[]): string {
  const { path, query } = splitTarget(request.target);
  const headers = headerValues(request.rawHeaders);
  const names = signedHeaders.toSorted(compareBytes);
  const lines = names.map((name) => `${name}:${(headers.get(name) ?? []).map(collapse).join(',')}\n`);
  return [
    request.method,
    canonicalPath(path),
    canonicalQuery(query),
    lines.join(''),
    names.join(';'),
    sha256Hex(request.body),
  ].join('\n');
}

function uriEncode(bytes: string): string {
  return bytes.replaceAll(
    /[^A-Za-z0-9\-._~]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

function percentDecode(encoded: string): string {
  return encoded.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Outer blanks removed, inner runs of blanks made one space. */
function collapse(value: string): string {
  return value.replaceAll(/[ \t]+/g, ' ').replaceAll(/^ | $/g, '');
}

function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
