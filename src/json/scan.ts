import { FAIL, FIRST_NAME, GO_ON, TOP } from './cells.ts';
import type { Grammar } from './grammar.ts';

// What the loop needs of `cells.ts`, as literals of this file: V8 reads what is imported from memory again at every byte.
const STATE = 0x3ff00;
const KIND = 0x300;
/** States below this one are in a string. */
const STRINGS = 0x600;

/**
 * The levels that are open, two bits for the kind of each, the innermost last, with a bit set above them all: opening one
 * shifts them to the left, closing one to the right. There are five empty ones below that of the outermost object. Four
 * bytes are read without looking how many there are, so the word begins with five to ten; of more, the six outermost go
 * to a list, and come back when there are less.
 */
const BOTTOM = 6;
const EMPTY_LEVELS = 0x2000;
/** Five levels. */
const LEAST = 0x800;
/** Eleven levels. */
const FULL = 0x800000;
const SET_ASIDE = 6;

const DEEPEST = 1000;
const ASIDE = new Int32Array(256);
const UNREACHED = 0x7fff_ffff;

/** Bytes that are read in one call. */
const BLOCK = 4096;

/** Where the reading stands between calls. One for all: reading is synchronous. */
const PLACE = { action: FAIL, state: 0, levels: 0, aside: 0 };

/** Begins a reading behind the bracket that opens the outermost object. */
export function beginScan(): void {
  goOn(FIRST_NAME, TOP);
}

/** Goes on in the outermost object, in a state and with its kind. */
export function goOn(state: number, kind: number): void {
  PLACE.aside = 0;
  PLACE.levels = EMPTY_LEVELS | kind;
  resume(state);
}

/** Goes on in a state, at the level where it has stopped. */
export function resume(state: number): void {
  PLACE.state = state << 8;
}

/** Levels that are open, without the outermost object. */
export function depth(): number {
  return ((31 - Math.clz32(PLACE.levels)) >> 1) + PLACE.aside * SET_ASIDE - BOTTOM;
}

/** What is to be done where `scan` has stopped. */
export function action(): number {
  return PLACE.action;
}

/**
 * Reads on until something is to be done, which `action` tells.
 *
 * This loop has all that a hostile text can make long. A cell of the table says what a byte does, and it is done without a
 * branch, so that a byte takes the same time whatever the text. What a byte waits for is the cell before it: so the way
 * from cell to cell is as short as can be, and all else is done beside it. The one exception makes it shorter: the bytes
 * of a string are looked at together, and whether it is a string is asked at every sixteenth byte.
 *
 * It stops after some thousand bytes at the latest. V8 compiles what is called often, for all that it has seen; of a loop
 * that is compiled while it runs it makes code that takes twice as long.
 *
 * @param words the same bytes
 * @returns offset of the byte that made it stop; behind the last, with `FAIL`, when the text ends before the object
 */
export function scan(json: Uint8Array, words: DataView, grammar: Grammar, from: number): number {
  const last = (json.length - 4) | 0;
  const stop = (from + BLOCK) | 0;
  let at = from | 0;
  let cell = PLACE.state | 0;
  let kind = 0;
  let levels = PLACE.levels | 0;
  let peak = 0;
  let aside = PLACE.aside | 0;
  let roof = roofOf(aside);
  do {
    if (levels >= FULL) {
      const kept = 30 - 2 * SET_ASIDE - Math.clz32(levels);
      ASIDE[aside] = levels >> kept;
      levels = (levels & ((1 << kept) - 1)) | (2 << kept);
      aside = (aside + 1) | 0;
      peak = 0;
      roof = roofOf(aside);
    } else if (levels < LEAST) {
      const kept = 30 - Math.clz32(levels);
      aside = (aside - 1) | 0;
      levels = (levels & ((1 << kept) - 1)) | ((ASIDE[aside] ?? 0) << kept);
      peak = 0;
      roof = roofOf(aside);
    }
    if ((cell & STATE) < STRINGS) {
      while (at <= last && isPlain(words.getInt32(at, true))) at = (at + 4) | 0;
    }
    do {
      const word = (at <= last ? words.getInt32(at, true) : lastBytes(json, at)) | 0;
      cell = (grammar[(cell & STATE) | (word & 0xff) | ((cell >> 15) & kind)] ?? 0) | 0;
      if (cell < 0) break;
      kind = (levels << 6) & KIND;
      // An array is a zero that is shifted in, an object the one.
      levels = ((levels << cell) | 1) >> (cell >> 18);
      peak |= levels;

      cell = (grammar[(cell & STATE) | ((word >> 8) & 0xff) | ((cell >> 15) & kind)] ?? 0) | 0;
      if (cell < 0) {
        at = (at + 1) | 0;
        break;
      }
      kind = (levels << 6) & KIND;
      levels = ((levels << cell) | 1) >> (cell >> 18);
      peak |= levels;

      cell = (grammar[(cell & STATE) | ((word >> 16) & 0xff) | ((cell >> 15) & kind)] ?? 0) | 0;
      if (cell < 0) {
        at = (at + 2) | 0;
        break;
      }
      kind = (levels << 6) & KIND;
      levels = ((levels << cell) | 1) >> (cell >> 18);
      peak |= levels;

      cell = (grammar[(cell & STATE) | (word >>> 24) | ((cell >> 15) & kind)] ?? 0) | 0;
      if (cell < 0) {
        at = (at + 3) | 0;
        break;
      }
      kind = (levels << 6) & KIND;
      levels = ((levels << cell) | 1) >> (cell >> 18);
      peak |= levels;

      at = (at + 4) | 0;
      // One comparison for both ends.
      if ((levels - LEAST) >>> 0 >= FULL - LEAST || peak >= roof) break;
      if ((at & 12) === 0 && (cell & STATE) < STRINGS) break;
    } while (at < stop);
    if (cell < 0 || peak >= roof) {
      PLACE.action = peak >= roof ? FAIL : cell & 0xff;
      PLACE.levels = levels;
      PLACE.aside = aside;
      return at;
    }
  } while (at < stop);
  PLACE.action = GO_ON;
  PLACE.state = (cell & STATE) | ((cell >> 15) & kind);
  PLACE.levels = levels;
  PLACE.aside = aside;
  return at;
}

/** What `levels` would be beyond, too deep, while so many are set aside. */
function roofOf(aside: number): number {
  const most = DEEPEST + BOTTOM - aside * SET_ASIDE;
  return most > 13 ? UNREACHED : 2 << (2 * (most + 1));
}

/** Four bytes, of which the text has less: the others are zeros, which no text may hold. */
function lastBytes(json: Uint8Array, at: number): number {
  return (json[at] ?? 0) | ((json[at + 1] ?? 0) << 8) | ((json[at + 2] ?? 0) << 16);
}

/** True when none of four bytes is a quote, a backslash or a control character. May be false for others. */
function isPlain(word: number): boolean {
  // What is below a space, and the quote, are neighbours behind this.
  const low = word ^ 0x02020202;
  const backslash = word ^ 0x5c5c5c5c;
  const found = (((low - 0x21212121) | 0) & ~low) | (((backslash - 0x01010101) | 0) & ~backslash);
  return (found & -0x7f7f7f80) === 0;
}
