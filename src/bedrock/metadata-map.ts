import { hash } from 'node:crypto';

import { ProxyError } from '../errors.ts';

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

/** An entry of a map of strings. */
export type Entry = readonly [key: string, value: string];

/**
 * The entries of a JSON map of strings.
 *
 * @param what names the map in the refusal
 * @throws ProxyError `invalidRequest` for anything else
 */
export function entriesIn(json: string, what: string): readonly Entry[] {
  let map: unknown;
  try {
    map = json.length > LONGEST_MAP ? undefined : JSON.parse(json);
  } catch {
    // A syntax error quotes the text it stumbled over.
  }
  const isMap = typeof map === 'object' && map !== null && !Array.isArray(map);
  const entries = isMap ? Object.entries(map as object) : undefined;
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
 *
 * @throws ProxyError `invalidRequest` when they are too many together
 */
export function mapOf(own: readonly Entry[], ids: GatewayIds): string | undefined {
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
