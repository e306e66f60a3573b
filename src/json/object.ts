import { isUtf8 } from 'node:buffer';

import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  endOfScalar,
  endOfString,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipSpace,
} from './tokens.ts';

/** Where something stands: offset of its first byte, and of the one behind its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A JSON object in a larger text. */
export interface JsonObject extends Span {
  /** It has no members. */
  readonly empty: boolean;
  /** The values of its members of the name that was looked for, in order: several when the name stands there twice. */
  readonly values: readonly Span[];
}

export interface ObjectOptions {
  /** Offset at which the object begins, or white space before it. */
  readonly from?: number;
  /**
   * Stop behind the first value that is found: the rest of the object need not be valid then, and the object is taken
   * to end there.
   */
  readonly firstOnly?: boolean;
}

/**
 * Reads the JSON object that begins at `from`, or behind white space there, and finds the members of one name at its top
 * level, however that name is escaped. What follows the object is not looked at.
 *
 * Works on the bytes and keeps none of them, since what `JSON.parse` makes of a body can be many times as large. Takes
 * linear time and does not recurse, so that no nesting is too deep.
 *
 * @param name ASCII
 * @returns undefined when there is no valid object (RFC 8259), or the bytes are not UTF-8
 */
export function readObject(
  json: Buffer,
  name: string,
  { from = 0, firstOnly = false }: ObjectOptions = {},
): JsonObject | undefined {
  const start = skipSpace(json, from);
  if (json[start] !== OPEN_BRACE || !isUtf8(json)) return undefined;
  const empty = json[skipSpace(json, start + 1)] === CLOSE_BRACE;
  const values: Span[] = [];
  /** Where the value begins that is looked for, while it is read. */
  let wanted = -1;
  /** Which of the open brackets are braces, a bit for each. */
  const braces: number[] = [];
  let depth = 0;
  let inObject = false;
  let at = start;

  for (;;) {
    // A value begins at `at`.
    const opening = json[at];
    const opens = opening === OPEN_BRACE || opening === OPEN_BRACKET;
    if (opens) {
      inObject = opening === OPEN_BRACE;
      setBit(braces, depth, inObject);
      depth += 1;
      at = skipSpace(json, at + 1);
    } else {
      at = endOfScalar(json, at);
      if (at === -1) return undefined;
    }
    if (!opens || json[at] === closing(inObject)) {
      // A value has ended, or the bracket at `at` ends an empty one, and others may end with it.
      for (;;) {
        if (depth === 1 && wanted !== -1) {
          values.push({ start: wanted, end: at });
          if (firstOnly) return { start, end: at, empty, values };
          wanted = -1;
        }
        at = skipSpace(json, at);
        if (json[at] !== closing(inObject)) break;
        at += 1;
        depth -= 1;
        if (depth === 0) return { start, end: at, empty, values };
        inObject = hasBit(braces, depth - 1);
      }
      if (json[at] !== COMMA) return undefined;
      at = skipSpace(json, at + 1);
    }
    if (inObject) {
      const value = valueOfMember(json, at);
      if (value === -1) return undefined;
      if (depth === 1 && spells(json, at, name)) wanted = value;
      at = value;
    }
  }
}

function closing(isObject: boolean): number {
  return isObject ? CLOSE_BRACE : CLOSE_BRACKET;
}

/** Offset of the value of the member whose name begins at `at`; -1 when there is no name with a colon. */
function valueOfMember(json: Buffer, at: number): number {
  const end = json[at] === QUOTE ? endOfString(json, at) : -1;
  if (end === -1) return -1;
  const colon = skipSpace(json, end);
  return json[colon] === COLON ? skipSpace(json, colon + 1) : -1;
}

/** True when the valid string that begins at `start` is this text. */
function spells(json: Buffer, start: number, text: string): boolean {
  const end = endOfString(json, start);
  const length = end - start - 2;
  if (length === text.length) return json.toString('latin1', start + 1, end - 1) === text;
  // An escape takes two to six bytes for a character.
  return length > text.length && length <= 6 * text.length && JSON.parse(json.toString('utf8', start, end)) === text;
}

function setBit(bits: number[], index: number, on: boolean): void {
  const word = bits[index >> 5] ?? 0;
  const bit = 1 << (index & 31);
  bits[index >> 5] = on ? word | bit : word & ~bit;
}

function hasBit(bits: readonly number[], index: number): boolean {
  return ((bits[index >> 5] ?? 0) & (1 << (index & 31))) !== 0;
}
