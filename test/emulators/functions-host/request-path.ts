/**
 * What happens to a path between the client and the function: Kestrel decodes it (`PathDecoder.DecodePath`), YARP
 * encodes it again (`RequestUtilities.MakeDestinationAddress`). The two do not undo each other (dotnet/yarp#1419,
 * dotnet/aspnetcore#30655): `%3A` arrives as `:`, `%2F` as `%252F`.
 */

const PERCENT_RUN = /(?:%[0-9a-fA-F]{2})+/g;
/** Everything that is not pchar of RFC 3986 without percent-encoding, and not a slash. */
const NOT_PATH_CHARACTER = /[^!$&'()*+,\-./0-9:;=@A-Z_a-z~]+/g;
const SLASH = 0x2f;

/**
 * The path as the host's routes see it: percent-encoded UTF-8 decoded once, except `%2F` and invalid sequences, and dot
 * segments resolved. Undefined for what Kestrel answers with 400: a NUL, or raw bytes outside of ASCII.
 */
export function decodePath(rawPath: string): string | undefined {
  if (/[^\x21-\x7e]/.test(rawPath)) return undefined;
  const decoded = decodePercentRuns(rawPath, (byte) => byte !== SLASH);
  return decoded.includes('\0') ? undefined : removeDotSegments(decoded);
}

/** The path as the worker gets it: every character that is not a path character percent-encoded, `%` included. */
export function encodePath(path: string): string {
  return path.replaceAll(NOT_PATH_CHARACTER, encodeURIComponent);
}

/** Decodes every valid UTF-8 sequence of percent-encoded bytes whose first byte `accepts` takes; leaves the others. */
export function decodePercentRuns(text: string, accepts: (firstByte: number) => boolean): string {
  return text.includes('%') ? text.replaceAll(PERCENT_RUN, (run) => decodeRun(run, accepts)) : text;
}

function decodeRun(run: string, accepts: (firstByte: number) => boolean): string {
  let decoded = '';
  for (let index = 0; index < run.length;) {
    const firstByte = Number.parseInt(run.slice(index + 1, index + 3), 16);
    const end = index + 3 * sequenceLength(firstByte);
    const sequence = accepts(firstByte) ? tryDecode(run.slice(index, end)) : undefined;
    decoded += sequence ?? run.slice(index, index + 3);
    index = sequence === undefined ? index + 3 : end;
  }
  return decoded;
}

function tryDecode(sequence: string): string | undefined {
  try {
    return decodeURIComponent(sequence);
  } catch {
    return undefined;
  }
}

function sequenceLength(firstByte: number): number {
  if (firstByte < 0xc0) return 1;
  if (firstByte < 0xe0) return 2;
  return firstByte < 0xf0 ? 3 : 4;
}

/** RFC 3986 5.2.4, keeping empty segments. */
function removeDotSegments(path: string): string {
  if (!path.includes('/.')) return path;
  const segments = path.slice(1).split('/');
  const kept: string[] = [];
  for (const [index, segment] of segments.entries()) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
    const isLast = index === segments.length - 1;
    if (isLast && (segment === '..' || segment === '.')) kept.push('');
  }
  return `/${kept.join('/')}`;
}
