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
import { endOfString, QUOTE, skipSpace, spells } from './strings.ts';

/** A member somewhere in a JSON text. */
export interface FoundMember {
  readonly name: string;
  /** Its value; undefined when that is no string, or a very long one. */
  readonly text: string | undefined;
}

/** Levels below the outermost object. Nobody honest comes near it. */
const DEEPEST = 1000;

/** Bytes of a string that is handed out; the names and identifiers that are looked for are shorter. */
const LONGEST = 16_384;

/**
 * Finds the members of these names at every level of a JSON object, in order, however the names are escaped, also those that
 * stand there twice: what one parser passes over another may take. Linear in the bytes, as `readObject`.
 *
 * @param names ASCII letters
 * @param most members of these names; more of them are no honest text
 * @returns undefined when the bytes are not one valid JSON object in UTF-8, it is nested more than a thousand levels deep,
 *   or has too many of these members
 */
export function findMembers(json: Buffer, names: readonly string[], most = 100): readonly FoundMember[] | undefined {
  const start = skipSpace(json, 0);
  if (json[start] !== 0x7b || !isUtf8(json)) return undefined;
  const words = new DataView(json.buffer, json.byteOffset, json.length);
  const found: FoundMember[] = [];
  const outer: number[] = [];
  let state = TOP.nameOrEnd;
  /** What follows in the innermost object or array behind a string, an object or an array. */
  let behind = TOP.commaOrEnd;

  for (let at = start + 1; at < json.length; at += 1) {
    const next = NEXT[state + (json[at] ?? 0)] ?? FAIL;
    if (next < FIRST_ACTION) {
      state = next;
      continue;
    }
    switch (next) {
      case CLOSE:
        behind = outer.pop() ?? FAIL;
        state = behind;
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT: {
        if (outer.length === DEEPEST) return undefined;
        outer.push(behind);
        const inner = next === OPEN_ARRAY ? ARRAY.valueOrEnd : OBJECT.nameOrEnd;
        behind = next === OPEN_ARRAY ? ARRAY.commaOrEnd : OBJECT.commaOrEnd;
        state = inner;
        break;
      }
      case BEGIN_STRING:
      case BEGIN_NAME:
      case BEGIN_TOP_NAME: {
        const end = endOfString(json, words, at);
        if (end === -1) return undefined;
        if (next === BEGIN_STRING) state = behind;
        else {
          const name = names.find((wanted) => spells(json, at, wanted));
          if (name !== undefined) found.push({ name, text: valueBehind(json, words, end) });
          if (found.length > most) return undefined;
          state = next === BEGIN_NAME ? OBJECT.colon : TOP.colon;
        }
        at = end - 1;
        break;
      }
      case BEGIN_TOP_VALUE:
        state = TOP.value;
        break;
      case NEXT_TOP_MEMBER:
        state = TOP.name;
        break;
      case CLOSE_TOP:
        return skipSpace(json, at + 1) === json.length ? found : undefined;
      default:
        return undefined;
    }
  }
  return undefined;
}

/** The string that is the value of the name that ends at `end`. Whether the text is valid there is found out later. */
function valueBehind(json: Buffer, words: DataView, end: number): string | undefined {
  const value = skipSpace(json, skipSpace(json, end) + 1);
  const valueEnd = json[value] === QUOTE ? endOfString(json, words, value) : -1;
  return valueEnd === -1 || valueEnd - value > LONGEST
    ? undefined
    : (JSON.parse(json.toString('utf8', value, valueEnd)) as string);
}
