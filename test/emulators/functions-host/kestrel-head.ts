/** The head of a request as Kestrel reads it, or the status it refuses it with. */
export interface RequestHead {
  readonly method: string;
  /** In origin form. */
  readonly target: string;
  /** Flat: name, value, name, value; values as latin1. */
  readonly rawHeaders: readonly string[];
  /** Names in lower case, repeated fields joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly keepAlive: boolean;
  readonly minorVersion: number;
  /** Bytes of the body, or that it comes in chunks. */
  readonly body: number | 'chunked';
}

export interface Refusal {
  readonly refusal: number;
}

/** `KestrelServerLimits`. */
const LINE_BYTES = 8192;
const HEADERS_BYTES = 32_768;
const MOST_HEADERS = 100;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const HOST = /^(?:[\w.~!$&'()*+,;=-]+|\[[0-9a-fA-F:.]+\])(?::\d*)?$/;

/**
 * Reads the head at the start of `text`, which is latin1. Undefined when it is not complete. `length` is where the body
 * begins.
 *
 * Lines end with LF, before which a CR is taken away (the switch `DisableHttp1LineFeedTerminators` is off).
 */
export function readHead(text: string): ((RequestHead | Refusal) & { readonly length: number }) | undefined {
  const lineEnd = text.indexOf('\n');
  if (lineEnd === -1) return text.length > LINE_BYTES ? refuse(414) : undefined;
  if (lineEnd + 1 > LINE_BYTES) return refuse(414);
  const lines: string[] = [];
  let at = lineEnd + 1;
  for (;;) {
    const end = text.indexOf('\n', at);
    if ((end === -1 ? text.length : end) - lineEnd > HEADERS_BYTES) return refuse(431);
    if (end === -1) return undefined;
    const line = withoutReturn(text.slice(at, end));
    at = end + 1;
    if (line === '') break;
    lines.push(line);
    if (lines.length > MOST_HEADERS) return refuse(431);
  }
  const start = readStartLine(withoutReturn(text.slice(0, lineEnd)));
  if (typeof start === 'number') return refuse(start);
  const rawHeaders = readFields(lines);
  if (rawHeaders === undefined) return refuse(400);
  return { ...completeHead(start, rawHeaders), length: at };
}

function refuse(refusal: number): Refusal & { length: number } {
  return { refusal, length: 0 };
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

interface StartLine {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: number;
}

function readStartLine(line: string): StartLine | number {
  const [, method = '', target = '', version = ''] = /^(\S+) ([^ ]+) (HTTP\/\S+)$/.exec(line) ?? [];
  if (!TOKEN.test(method) || /[\r\x7f-\xff]/.test(target) || target.includes('\0')) return 400;
  if (!/^HTTP\/1\.[01]$/.test(version)) return /^HTTP\/\d\.\d$/.test(version) ? 505 : 400;
  // Routes and YARP compare without regard to case.
  return { method: method.toUpperCase(), target, minorVersion: Number(version.at(-1)) };
}

/** Flat: name, value, name, value; undefined when one of the lines is no field. */
export function readFields(lines: readonly string[]): string[] | undefined {
  const fields: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    const value = withoutBlanks(line.slice(colon + 1));
    if (!TOKEN.test(name) || value.includes('\0') || value.includes('\r')) return undefined;
    fields.push(name, value);
  }
  return fields;
}

function withoutBlanks(text: string): string {
  return text.replaceAll(/^[ \t]+|[ \t]+$/g, '');
}

function completeHead({ method, target, minorVersion }: StartLine, rawHeaders: string[]): RequestHead | Refusal {
  const valuesOf = (wanted: string) =>
    rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === wanted);
  const hosts = valuesOf('host');
  const form = originForm(method, target, hosts[0] ?? '');
  if (typeof form === 'number') return { refusal: form };
  if (hosts.length > 1 || (hosts.length === 0 && minorVersion === 1)) return { refusal: 400 };
  const [host = ''] = hosts;
  if (host !== '' && !HOST.test(host)) return { refusal: 400 };
  // Not by Kestrel: the host builds a URL of it, and fails.
  if (host === '' || Number(/:(\d+)$/.exec(host)?.[1] ?? 0) > 65_535) return { refusal: 500 };
  const codings = valuesOf('transfer-encoding').flatMap((value) => value.split(','));
  const body = bodyOf(codings, valuesOf('content-length'));
  if (body === undefined) return { refusal: 400 };
  const options = valuesOf('connection').join(',').toLowerCase();
  const ambiguous = codings.length > 0 && valuesOf('content-length').length > 0;
  const persistent = minorVersion === 1 ? !/\bclose\b/.test(options) : /\bkeep-alive\b/.test(options);
  // Of a request with both, Kestrel drops the length and closes the connection behind it.
  const fields = ambiguous ? withoutField(rawHeaders, 'content-length') : plainLength(rawHeaders);
  return {
    method,
    target: form,
    rawHeaders: fields,
    headers: joined(fields),
    keepAlive: persistent && !ambiguous,
    minorVersion,
    body,
  };
}

/** The target in origin form, or the status of one that Kestrel does not take. */
function originForm(method: string, target: string, host: string): string | number {
  if (method === 'CONNECT') return 400;
  if (target.startsWith('/')) return target;
  const [, authority, rest = ''] = /^https?:\/\/([^/?]*)(.*)$/i.exec(target) ?? [];
  if (authority !== undefined) return authority.toLowerCase() === host.toLowerCase() ? rest || '/' : 400;
  return target.includes('://') || target.startsWith('\\') ? 400 : 405;
}

function bodyOf(codings: readonly string[], lengths: readonly string[]): number | 'chunked' | undefined {
  if (codings.length > 0)
    return withoutBlanks(codings.at(-1) ?? '').toLowerCase() === 'chunked' ? 'chunked' : undefined;
  if (lengths.length > 1) return undefined;
  const [length] = lengths;
  if (length === undefined) return 0;
  // As .NET parses a long; one beyond what a number here holds is beyond every limit all the same.
  if (!/^\+?\d+$/.test(length) || BigInt(length.replace('+', '')) > 0x7fff_ffff_ffff_ffffn) return undefined;
  return Number(length);
}

/** Without the sign of a length: Kestrel keeps the number. */
function plainLength(rawHeaders: readonly string[]): string[] {
  return rawHeaders.map((text, index) =>
    index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'content-length' ? text.replace('+', '') : text,
  );
}

function withoutField(rawHeaders: readonly string[], name: string): string[] {
  const isNamed = (index: number) => rawHeaders[index - (index % 2)]?.toLowerCase() === name;
  return rawHeaders.filter((_, index) => !isNamed(index));
}

function joined(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    const value = rawHeaders[index + 1] ?? '';
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}
