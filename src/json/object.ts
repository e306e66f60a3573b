import { isUtf8 } from 'node:buffer';

import {
  AFTER_NAME,
  BEGIN_NAME,
  BEGIN_STRING,
  BEGIN_VALUE,
  COMMA_OR_END,
  END_ARRAY,
  END_OBJECT,
  FAIL,
  FIRST_ACTION,
  NAME,
  NAME_OR_END,
  NEXT,
  NEXT_MEMBER,
  OPEN_ARRAY,
  OPEN_OBJECT,
  VALUE,
  VALUE_OR_END,
} from './grammar.ts';
import { endOfString, skipSpace, spells } from './strings.ts';

/** Where something stands: offset of its first byte, and of the one behind its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A JSON object in a larger text. */
export interface JsonObject extends Span {
  /** It has no members. */
  readonly empty: boolean;
  /** The values of its members of the name that was looked for, in order: two when the name stands there twice. */
  readonly values: readonly Span[];
}

export interface ObjectOptions {
  /** Offset at which the object begins, or white space before it. */
  readonly from?: number;
  /**
   * Stop behind so many values: the rest of the object need not be valid then, and the object is taken to end there. By
   * default behind the second, which already makes the object ambiguous.
   */
  readonly most?: number;
}

/**
 * Reads the JSON object that begins at `from`, or behind white space there, and finds the members of one name at its top
 * level, however that name is escaped. What follows the object is not looked at.
 *
 * Works on the bytes and keeps none of them, since what `JSON.parse` makes of a body can be many times as large. Takes
 * linear time and does not recurse, so that no nesting is too deep. It is one loop over a table, because the event loop
 * stands still meanwhile: functions for the parts of the grammar take several times as long for a body of `1,1,1`.
 *
 * @param name ASCII letters
 * @returns undefined when there is no valid object (RFC 8259), or the bytes are not UTF-8
 */
export function readObject(
  json: Buffer,
  name: string,
  { from = 0, most = 2 }: ObjectOptions = {},
): JsonObject | undefined {
  const start = skipSpace(json, from);
  if (json[start] !== 0x7b || !isUtf8(json)) return undefined;
  const empty = json[skipSpace(json, start + 1)] === 0x7d;
  const words = new DataView(json.buffer, json.byteOffset, json.length);
  const values: Span[] = [];
  /** Which of the brackets around the innermost are braces: a bit for each, 32 in a number. */
  const outer: number[] = [];
  let around = 0;
  let inObject = false;
  let depth = 0;
  /** Where the value begins that is looked for, while it is read. */
  let wanted = -1;
  let isWanted = false;
  let state = VALUE;
  const table = NEXT;
  const { length } = json;

  for (let at = start; at < length; at += 1) {
    const next = table[(state << 8) | (json[at] ?? 0)] ?? FAIL;
    if (next < FIRST_ACTION) {
      state = next;
      continue;
    }
    switch (next) {
      case NEXT_MEMBER:
        state = inObject ? NAME : VALUE;
        if (depth !== 1 || wanted === -1) break;
        values.push({ start: wanted, end: behindValue(json, at) });
        if (values.length === most) return { start, end: at, empty, values };
        wanted = -1;
        break;
      case BEGIN_STRING:
      case BEGIN_NAME: {
        const end = endOfString(json, words, at);
        if (end === -1) return undefined;
        if (next === BEGIN_NAME && depth === 1) isWanted = spells(json, at, name);
        state = next === BEGIN_NAME ? AFTER_NAME : COMMA_OR_END;
        at = end - 1;
        break;
      }
      case BEGIN_VALUE:
        if (depth === 1 && isWanted) wanted = skipSpace(json, at + 1);
        state = VALUE;
        break;
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        if (depth > 0 && depth % 32 === 0) outer.push(around);
        around = (around << 1) | (inObject ? 1 : 0);
        inObject = next === OPEN_OBJECT;
        depth += 1;
        state = inObject ? NAME_OR_END : VALUE_OR_END;
        break;
      case END_OBJECT:
      case END_ARRAY:
        if (inObject !== (next === END_OBJECT)) return undefined;
        if (depth === 1) {
          if (wanted !== -1) values.push({ start: wanted, end: behindValue(json, at) });
          return { start, end: at + 1, empty, values };
        }
        depth -= 1;
        inObject = (around & 1) === 1;
        around = depth % 32 === 0 ? (outer.pop() ?? 0) : around >>> 1;
        state = COMMA_OR_END;
        break;
      default:
        return undefined;
    }
  }
  return undefined;
}

/** Offset behind the value that ends before `at`, but for white space. */
function behindValue(json: Uint8Array, at: number): number {
  let end = at;
  while ((json[end - 1] ?? 0) <= 0x20) end -= 1;
  return end;
}
