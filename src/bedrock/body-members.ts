import { isUtf8 } from 'node:buffer';

import { ProxyError } from '../errors.ts';
import { readMembers, type Span } from '../json/object.ts';
import { skipSpace } from '../json/strings.ts';

/** What is to become of one member at the top level of a JSON object. */
export interface MemberChange {
  /** ASCII letters. */
  readonly name: string;
  /**
   * @param value the JSON of its value; undefined when there is no such member
   * @returns the JSON that takes its place; undefined: all stays as it is
   * @throws ProxyError the refusal of a value that cannot be sent
   */
  readonly change: (value: Buffer | undefined) => string | undefined;
  /** Nothing may stand behind the object: a more lenient reader could take another member from there. */
  readonly alone?: true;
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/**
 * The object with some of its members changed or added: spliced into the bytes, all others of which stay as they are. What
 * does not begin with a valid JSON object is refused, since a more lenient parser may find in it what this one does not;
 * so are other encodings, a member that is there twice, and one in other capitals, which some parsers overlook. A byte order
 * mark stays where it is.
 *
 * @param what names the object in a refusal
 * @returns pieces, in order
 * @throws ProxyError `invalidRequest`, and what the changes throw
 */
export function changeMembers(json: Buffer, changes: readonly MemberChange[], what = 'The body'): readonly Buffer[] {
  const from = json.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  // JSON in UTF-16 or UTF-32 has a zero among its first bytes (RFC 4627 section 3).
  if (!isUtf8(json) || json.subarray(from, from + 4).includes(0)) throw invalid(`${what} must be UTF-8.`);
  const names = changes.map(({ name }) => name);
  const object = readMembers(json, names, { from, anyCase: true });
  if (object === undefined) throw invalid(`${what} must be a JSON object.`);
  if (object.otherCase)
    throw invalid(`${what} spells ${names.map((name) => `"${name}"`).join(' or ')} in other capitals.`);
  const twice = names.find((_, index) => (object.values[index]?.length ?? 0) > 1);
  if (twice !== undefined) throw invalid(`${what} has two members "${twice}".`);
  if (changes.some(({ alone }) => alone) && skipSpace(json, object.end) !== json.length) {
    throw invalid(`${what} must be one JSON object, and nothing behind it.`);
  }

  const added: string[] = [];
  const replaced: (Span & { readonly text: string })[] = [];
  changes.forEach(({ name, change }, index) => {
    const span = object.values[index]?.[0];
    const text = change(span && json.subarray(span.start, span.end));
    if (text === undefined) return;
    if (span === undefined) added.push(`"${name}":${text}`);
    else replaced.push({ ...span, text });
  });
  const start = object.start + 1;
  if (added.length > 0) {
    replaced.push({ start, end: start, text: added.join(',') + (object.empty ? '' : ',') });
  }
  return splice(json, replaced);
}

/** @throws ProxyError `invalidRequest` for a body that cannot be read here */
export function refuseCompressed(headers: Readonly<Record<string, string>>): void {
  if ((headers['content-encoding'] ?? 'identity') === 'identity') return;
  throw invalid('The body must not be compressed.');
}

function splice(json: Buffer, replaced: (Span & { readonly text: string })[]): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const { start, end, text } of replaced.toSorted((one, other) => one.start - other.start)) {
    pieces.push(json.subarray(at, start), Buffer.from(text));
    at = end;
  }
  return [...pieces, json.subarray(at)];
}

function invalid(message: string): ProxyError {
  return new ProxyError('invalidRequest', message);
}
