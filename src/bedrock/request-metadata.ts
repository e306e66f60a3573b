import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';

import { ProxyError } from '../errors.ts';
import { readObject } from './json-object.ts';
import type { Operation } from './operations.ts';

/** What the gateway calls its caller. Ids only: AWS keeps them in its invocation log. */
export interface GatewayIds {
  readonly subscriptionId?: string;
  readonly productId?: string;
}

/** The entries that are the proxy's, by the names of the record. No client's entry of these names reaches AWS. */
const OWNED = ['subscriptionId', 'productId'] as const;

/**
 * AWS's limits: entries of a request, and characters of a key or value, all of `[a-zA-Z0-9\s:_@$#=/+,-.]` (user guide,
 * "Per-request metadata tagging"; API model, `RequestMetadata`, which also says that a map is not empty).
 */
const MOST_ENTRIES = 16;
const LONGEST_VALUE = 256;

/** More than a map within the limits takes with every character escaped. */
const LONGEST_MAP = 65_536;

const HEADER = 'x-amzn-bedrock-request-metadata';
const MEMBER = 'requestMetadata';

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** What becomes of a request that names its caller to AWS. */
export interface Attribution {
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Makes the body that is sent of the one that came. Absent where it stays as it is.
   *
   * @throws ProxyError `invalidRequest`
   */
  readonly rewrite?: (body: Buffer) => readonly Buffer[];
}

/**
 * Puts the gateway's ids into a request where the operation takes them, beside the client's own entries. Where AWS
 * documents no metadata nothing is added; a header that a client sends there loses the entries that are the proxy's.
 *
 * @param headers that will be signed, names in lower case
 * @throws ProxyError `invalidRequest` for a header that is no JSON map of strings, too many entries, or a body that
 *   cannot be read
 */
export function attribute(
  { metadata }: Operation,
  headers: Readonly<Record<string, string>>,
  ids: GatewayIds,
): Attribution {
  const { [HEADER]: sent, ...others } = headers;
  const value = headerValue(sent, metadata === 'header' ? ids : {});
  const attributed = value === undefined ? others : { ...others, [HEADER]: value };
  if (metadata !== 'body') return { headers: attributed };
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw invalid('The body must not be compressed.');
  }
  return { headers: attributed, rewrite: (body) => withMetadata(body, ids) };
}

function headerValue(sent: string | undefined, ids: GatewayIds): string | undefined {
  const own = sent === undefined ? [] : entriesIn(sent, `The header ${HEADER}`);
  const map = mapOf(own, ids);
  if (map === undefined) return sent;
  if (map === '') return undefined;
  return map.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * The body with the ids in its member `requestMetadata`: spliced into the bytes, all others of which stay as they are. A
 * body without a valid JSON object is left alone, for Bedrock to say so. What other parsers than this one may take for
 * an object is not: a byte order mark before it and anything behind it stay where they are, other encodings are refused.
 *
 * @returns pieces, in order
 * @throws ProxyError `invalidRequest`
 */
export function withMetadata(body: Buffer, ids: GatewayIds): readonly Buffer[] {
  const from = body.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  // JSON in UTF-16 or UTF-32 has a zero among its first bytes (RFC 4627 section 3).
  if (!isUtf8(body) || body.subarray(from, from + 4).includes(0)) throw invalid('The body must be UTF-8.');
  const object = readObject(body, MEMBER, from);
  if (object === undefined) return [body];
  const [value, second] = object.values;
  if (second !== undefined) throw invalid(`The body has two members "${MEMBER}".`);
  if (value === undefined) {
    const map = mapOf([], ids);
    if (map === undefined) return [body];
    return splice(body, object.start + 1, object.start + 1, `"${MEMBER}":${map}${object.empty ? '' : ','}`);
  }
  const map = mapOf(entriesIn(body.toString('utf8', value.start, value.end), `"${MEMBER}"`), ids);
  return map === undefined ? [body] : splice(body, value.start, value.end, map || 'null');
}

function splice(body: Buffer, start: number, end: number, text: string): readonly Buffer[] {
  return [body.subarray(0, start), Buffer.from(text), body.subarray(end)];
}

type Entry = readonly [key: string, value: string];

/** The entries of a JSON map of strings; none for `null`, which stands for no map in AWS's protocol. */
function entriesIn(json: string, what: string): readonly Entry[] {
  let map: unknown;
  try {
    map = json.length > LONGEST_MAP ? undefined : JSON.parse(json);
  } catch {
    // A syntax error quotes the text it stumbled over.
  }
  if (map === null) return [];
  const entries = typeof map === 'object' && !Array.isArray(map) ? Object.entries(map) : undefined;
  if (entries === undefined || !entries.every(isEntry)) {
    throw invalid(`${what} must be a JSON object of strings, within the limits of AWS.`);
  }
  return entries;
}

function isEntry(entry: readonly [string, unknown]): entry is Entry {
  return typeof entry[1] === 'string';
}

/**
 * The client's entries and the proxy's as a JSON map: undefined when the client's may stay as they stand, empty when
 * there are none.
 */
function mapOf(own: readonly Entry[], ids: GatewayIds): string | undefined {
  const kept = own.filter(([key]) => !OWNED.some((name) => name === key));
  const added = OWNED.flatMap((name): Entry[] => {
    const id = ids[name];
    return id === undefined || id === '' ? [] : [[name, fit(id)]];
  });
  if (added.length === 0 && kept.length === own.length) return undefined;
  if (kept.length + added.length > MOST_ENTRIES) {
    const names = added.map(([name]) => name).join(' and ');
    throw invalid(
      `The request metadata may have ${MOST_ENTRIES - added.length} entries beside ${names}, which this proxy adds.`,
    );
  }
  const members = [...kept, ...added].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return members.length === 0 ? '' : `{${members.join(',')}}`;
}

/**
 * An id in AWS's characters. What is not one of them, and the equals sign, becomes `=` and two hexadecimal digits for
 * each byte of its UTF-8, as in quoted-printable text (RFC 2045 section 6.7), where it can be decoded. What is too long
 * then ends in `==` and the beginning of the SHA-256 of the id, so that it is still the only one of its kind.
 */
export function fit(id: string): string {
  const encoded = id.replaceAll(/[^a-zA-Z0-9 :_@$#/+,.-]/gu, (character) =>
    Array.from(Buffer.from(character), (byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
  if (encoded.length <= LONGEST_VALUE) return encoded;
  const mark = `==${hash('sha256', id).slice(0, 32)}`;
  return encoded.slice(0, LONGEST_VALUE - mark.length).replace(/=.?$/, '') + mark;
}

function invalid(message: string): ProxyError {
  return new ProxyError('invalidRequest', message);
}
