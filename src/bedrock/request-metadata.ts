import { isUtf8 } from 'node:buffer';

import { ProxyError } from '../errors.ts';
import { readObject } from '../json/object.ts';
import { entriesIn, type GatewayIds, mapOf } from './metadata-map.ts';
import type { Operation } from './service.ts';

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
 * body that does not begin with a valid JSON object is refused, since a more lenient parser may find in it what this one
 * does not; so are other encodings. A byte order mark before the object and anything behind it stay where they are.
 *
 * @returns pieces, in order
 * @throws ProxyError `invalidRequest`
 */
export function withMetadata(body: Buffer, ids: GatewayIds): readonly Buffer[] {
  const from = body.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  // JSON in UTF-16 or UTF-32 has a zero among its first bytes (RFC 4627 section 3).
  if (!isUtf8(body) || body.subarray(from, from + 4).includes(0)) throw invalid('The body must be UTF-8.');
  const object = readObject(body, MEMBER, { from, anyCase: true });
  if (object === undefined) throw invalid('The body must be a JSON object.');
  const [value, second] = object.values;
  if (object.otherCase) throw invalid(`The body spells "${MEMBER}" in other capitals.`);
  if (second !== undefined) throw invalid(`The body has two members "${MEMBER}".`);
  if (value === undefined) {
    const map = mapOf([], ids);
    if (map === undefined) return [body];
    return splice(body, object.start + 1, object.start + 1, `"${MEMBER}":${map}${object.empty ? '' : ','}`);
  }
  // In AWS's protocol null is no map. Nothing else that is valid begins like it.
  const isNull = body[value.start] === 0x6e;
  const own = isNull ? [] : entriesIn(body.toString('utf8', value.start, value.end), `"${MEMBER}"`);
  const map = mapOf(own, ids);
  return map === undefined ? [body] : splice(body, value.start, value.end, map || 'null');
}

function splice(body: Buffer, start: number, end: number, text: string): readonly Buffer[] {
  return [body.subarray(0, start), Buffer.from(text), body.subarray(end)];
}

function invalid(message: string): ProxyError {
  return new ProxyError('invalidRequest', message);
}
