import { isUtf8 } from 'node:buffer';

import { CLOSE_TOP, GO_ON, NEXT_MEMBER, NEXT_NAME, TOP, TOP_WANTED, WANTED_NAME, WANTED_VALUE } from './cells.ts';
import { type Grammar, grammarOf } from './grammar.ts';
import { action, beginScan, goOn, scan } from './scan.ts';
import { nameBefore, skipSpace } from './strings.ts';

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
  /** A name is there in other capitals, which some parsers overlook; looked for with `anyCase`. */
  readonly otherCase: boolean;
}

/** The same for one name. */
export interface JsonObject extends Omit<JsonMembers, 'values'> {
  readonly values: readonly Span[];
}

export interface ObjectOptions {
  /** Look for the names in other capitals too: their values are among the others. */
  readonly anyCase?: boolean;
  /** Offset at which the object begins, or white space before it. */
  readonly from?: number;
  /**
   * Asked behind each value, of all that have its name: stop there? The rest of the object need not be valid then, and the
   * object is taken to end there. By default behind the second value, which already makes the object ambiguous.
   */
  readonly enough?: (values: readonly Span[]) => boolean;
}

/** By the names: those that the operations have. */
const GRAMMARS = new Map<string, Grammar>();

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
 * linear time and constant memory, and about the same time for every byte, because the event loop stands still meanwhile.
 *
 * @param names ASCII letters; few, and not many different ones, since something is kept for each
 * @returns undefined when there is no valid object (RFC 8259), it is nested more than a thousand levels deep below its
 *   top, or the bytes are not UTF-8
 */
export function readMembers(
  json: Buffer,
  names: readonly string[],
  { from = 0, anyCase = false, enough = isAmbiguous }: ObjectOptions = {},
): JsonMembers | undefined {
  const start = skipSpace(json, from);
  if (json[start] !== 0x7b || !isUtf8(json)) return undefined;
  const key = `${names.join(' ')},${anyCase}`;
  const grammar = GRAMMARS.get(key) ?? grammarOf({ top: names, inner: [], anyCase });
  GRAMMARS.set(key, grammar);
  const words = new DataView(json.buffer, json.byteOffset, json.length);
  const values = names.map((): Span[] => []);
  /** To which the value belongs that is read, and where it begins; undefined for a member of another name. */
  let found: Span[] | undefined;
  let name = '';
  let wanted = 0;
  let otherCase = false;
  beginScan();
  for (let at = start + 1; ;) {
    at = scan(json, words, grammar, at);
    switch (action()) {
      case WANTED_NAME:
        name = nameBefore(json, at);
        found = values[names.findIndex((each) => isSame(each, name, anyCase))];
        otherCase ||= !names.includes(name);
        at = skipSpace(json, at + 1);
        if (json[at] !== 0x3a) return undefined;
        at = skipSpace(json, at + 1);
        wanted = at;
        goOn(WANTED_VALUE, TOP_WANTED);
        break;
      case NEXT_MEMBER:
        found?.push({ start: wanted, end: behindValue(json, at) });
        if (found !== undefined && enough(found)) return { start, end: at, empty: false, values, otherCase };
        found = undefined;
        at += 1;
        goOn(NEXT_NAME, TOP);
        break;
      case CLOSE_TOP:
        found?.push({ start: wanted, end: behindValue(json, at) });
        return { start, end: at + 1, empty: skipSpace(json, start + 1) === at, values, otherCase };
      case GO_ON:
        break;
      default:
        return undefined;
    }
  }
}

function isSame(one: string, other: string, anyCase: boolean): boolean {
  return anyCase ? one.toLowerCase() === other.toLowerCase() : one === other;
}

function isAmbiguous(values: readonly Span[]): boolean {
  return values.length === 2;
}

/** Offset behind the value that ends before `at`, but for white space. */
function behindValue(json: Uint8Array, at: number): number {
  let end = at;
  while ((json[end - 1] ?? 0) <= 0x20) end -= 1;
  return end;
}
