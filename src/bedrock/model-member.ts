import { ProxyError } from '../errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The model that a JSON body names at its top level, for the routes whose path names none.
 *
 * The body is not altered, so what is read here must be what Bedrock will read: a name that stands there twice is
 * refused, since parsers differ in which of the two they take.
 *
 * @param member `model` or `modelId`
 * @throws ProxyError `invalidRequest` unless the body is a JSON object with exactly one such member, a string
 */
export function modelOf(body: Buffer, member: string): string {
  const text = body.toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && countMember(body, member) === 1) {
      const model = (value as Record<string, unknown>)[member];
      if (typeof model === 'string' && model !== '') return model;
    }
  } catch {
    // A syntax error quotes the text it stumbled over, which is the caller's prompt: it goes nowhere.
  }
  throw new ProxyError('invalidRequest', `The body must be a JSON object with one member "${member}", a string.`);
}

/** How often a member of that name stands at the top level of a text that is known to be valid JSON. */
function countMember(json: Buffer, member: string): number {
  let depth = 0;
  let count = 0;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) depth -= 1;
    else if (byte === QUOTE) {
      const end = endOfString(json, at);
      if (depth === 1 && isName(json, end) && JSON.parse(json.toString('utf8', at, end)) === member) count += 1;
      at = end - 1;
    }
  }
  return count;
}

/** Offset behind the closing quote of the string that opens at `start`. */
function endOfString(json: Buffer, start: number): number {
  let at = start + 1;
  while (json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** True when the next byte that is not white space is a colon: the string before it is a member's name. */
function isName(json: Buffer, from: number): boolean {
  let at = from;
  while (json[at] === 0x20 || json[at] === 0x09 || json[at] === 0x0a || json[at] === 0x0d) at += 1;
  return json[at] === 0x3a;
}
