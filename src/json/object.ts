import { isUtf8 } from 'node:buffer';

import {
  ARRAY,
  BEGIN_NAME,
  BEGIN_STRING,
  BEGIN_TOP_NAME,
  BEGIN_TOP_VALUE,
  CLOSE,
  CLOSE_TOP,
  FAIL,
  FIRST_ACTION,
  NEXT,
  NEXT_TOP_MEMBER,
  OBJECT,
  OPEN_ARRAY,
  OPEN_OBJECT,
  TOP,
} from './grammar.ts';
import { endOfString, skipSpace, spells } from './strings.ts';

/** Where something stands: offset of its first byte, and of the one behind its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A JSON object in a larger text, and its members of some names. */
export interface JsonMembers extends Span {
  /** It has no members. */
  readonly empty: boolean;
  /** For each name that was looked for, the values of its members in order: two when the name stands there twice. */
  readonly values: readonly (readonly Span[])[];
}

/** The same for one name. */
export interface JsonObject extends Omit<JsonMembers, 'values'> {
  readonly values: readonly Span[];
}

export interface ObjectOptions {
  /** Offset at which the object begins, or white space before it. */
  readonly from?: number;
  /**
   * Stop behind so many values of one name: the rest of the object need not be valid then, and the object is taken to end there. By
   * default behind the second, which already makes the object ambiguous.
   */
  readonly most?: number;
}

/** Levels below the outermost object (RFC 8259 section 9 allows a limit). Nobody honest comes near it. */
const DEEPEST = 1000;
/** What follows behind each of the objects and arrays around the innermost. One for all: reading is synchronous. */
const OUTER = new Uint16Array(DEEPEST);

/** Reads as `readMembers` does, for one name. */
export function readObject(json: Buffer, name: string, options?: ObjectOptions): JsonObject | undefined {
  const object = readMembers(json, [name], options);
  return object && { ...object, values: object.values[0] ?? [] };
}

/**
 * Reads the JSON object that begins at `from`, or behind white space there, and finds the members of some names at its
 * top level, however a name is escaped. What follows the object is not looked at.
 *
 * Works on the bytes and keeps none of them, since what `JSON.parse` makes of a body can be many times as large. Takes
 * linear time and constant memory. It is one loop over a table, because the event loop stands still meanwhile: functions
 * for the parts of the grammar take several times as long for a body of `1,1,1`.
 *
 * @param names ASCII letters; no more than a few names
 * @returns undefined when there is no valid object (RFC 8259), it is nested more than a thousand levels deep below its
 *   top, or the bytes are not UTF-8
 */
export function readMembers(
  json: Buffer,
  names: readonly string[],
  { from = 0, most = 2 }: ObjectOptions = {},
): JsonMembers | undefined {
  const start = skipSpace(json, from);
  if (json[start] !== 0x7b || !isUtf8(json)) return undefined;
  const words = new DataView(json.buffer, json.byteOffset, json.length);
  const values = names.map((): Span[] => []);
  /** Where the value begins that is looked for, while it is read. */
  let wanted = -1;
  /** To which it belongs; undefined for a member of another name. */
  let found: Span[] | undefined;
  let empty = true;
  /** Of the innermost below the outermost. */
  let depth = 0;
  let state = TOP.nameOrEnd;
  /** What follows in the innermost object or array behind a string, an object or an array. */
  let behind = TOP.commaOrEnd;
  const table = NEXT;
  const { length } = json;

  for (let at = start + 1; at < length; at += 1) {
    const next = table[state + (json[at] ?? 0)] ?? FAIL;
    if (next < FIRST_ACTION) {
      state = next;
      continue;
    }
    // The brackets first: hostile bodies have nothing else, and a jump table costs more than two comparisons.
    if (next === CLOSE) {
      depth -= 1;
      behind = OUTER[depth] ?? FAIL;
      state = behind;
      continue;
    }
    if (next === OPEN_ARRAY || next === OPEN_OBJECT) {
      if (depth === DEEPEST) return undefined;
      OUTER[depth] = behind;
      depth += 1;
      state = next === OPEN_ARRAY ? ARRAY.valueOrEnd : OBJECT.nameOrEnd;
      behind = next === OPEN_ARRAY ? ARRAY.commaOrEnd : OBJECT.commaOrEnd;
      continue;
    }
    switch (next) {
      case BEGIN_STRING:
      case BEGIN_NAME:
      case BEGIN_TOP_NAME: {
        const end = endOfString(json, words, at);
        if (end === -1) return undefined;
        if (next === BEGIN_STRING) state = behind;
        else if (next === BEGIN_NAME) state = OBJECT.colon;
        else {
          empty = false;
          found = undefined;
          for (let index = 0; index < names.length; index += 1) {
            if (spells(json, at, names[index] ?? '')) found = values[index];
          }
          state = TOP.colon;
        }
        at = end - 1;
        break;
      }
      case BEGIN_TOP_VALUE:
        if (found !== undefined) wanted = skipSpace(json, at + 1);
        state = TOP.value;
        break;
      case NEXT_TOP_MEMBER:
        state = TOP.name;
        if (wanted === -1 || found === undefined) break;
        found.push({ start: wanted, end: behindValue(json, at) });
        if (found.length === most) return { start, end: at, empty, values };
        wanted = -1;
        break;
      case CLOSE_TOP:
        if (wanted !== -1) found?.push({ start: wanted, end: behindValue(json, at) });
        return { start, end: at + 1, empty, values };
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
