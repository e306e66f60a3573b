import { isUtf8 } from 'node:buffer';

import { CLOSE_TOP, NEXT_MEMBER, NEXT_NAME, TOP, TOP_WANTED, WANTED_NAME, WANTED_VALUE } from './cells.ts';
import { type Grammar, grammarOf } from './grammar.ts';
import { action, beginScan, goOn, scan } from './scan.ts';
import { skipSpace } from './strings.ts';

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
   * Asked behind each value: stop there? The rest of the object need not be valid then, and the object is taken to end
   * there. By default behind the second value, which already makes the object ambiguous.
   */
  readonly enough?: (values: readonly Span[]) => boolean;
}

/** By name of the member: those that the operations have. */
const GRAMMARS = new Map<string, Grammar>();

/**
 * Reads the JSON object that begins at `from`, or behind white space there, and finds the members of one name at its top
 * level, however that name is escaped. What follows the object is not looked at.
 *
 * Works on the bytes and keeps none of them, since what `JSON.parse` makes of a body can be many times as large. Takes
 * linear time and constant memory, and about the same time for every byte, because the event loop stands still meanwhile.
 *
 * @param name ASCII letters, at most twenty; one of a few, since something is kept for each
 * @returns undefined when there is no valid object (RFC 8259), it is nested more than a thousand levels deep below its
 *   top, or the bytes are not UTF-8
 */
export function readObject(
  json: Buffer,
  name: string,
  { from = 0, enough = isAmbiguous }: ObjectOptions = {},
): JsonObject | undefined {
  const start = skipSpace(json, from);
  if (json[start] !== 0x7b || !isUtf8(json)) return undefined;
  const grammar = GRAMMARS.get(name) ?? grammarOf(name);
  GRAMMARS.set(name, grammar);
  const words = new DataView(json.buffer, json.byteOffset, json.length);
  const values: Span[] = [];
  /** Where the value begins that is looked for, while it is read. */
  let wanted = -1;
  beginScan();
  for (let at = start + 1; ;) {
    at = scan(json, words, grammar, at);
    switch (action()) {
      case WANTED_NAME:
        at = skipSpace(json, at + 1);
        if (json[at] !== 0x3a) return undefined;
        at = skipSpace(json, at + 1);
        wanted = at;
        goOn(WANTED_VALUE, TOP_WANTED);
        break;
      case NEXT_MEMBER:
        values.push({ start: wanted, end: behindValue(json, at) });
        if (enough(values)) return { start, end: at, empty: false, values };
        wanted = -1;
        at += 1;
        goOn(NEXT_NAME, TOP);
        break;
      case CLOSE_TOP:
        if (wanted !== -1) values.push({ start: wanted, end: behindValue(json, at) });
        return { start, end: at + 1, empty: skipSpace(json, start + 1) === at, values };
      default:
        return undefined;
    }
  }
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
