import { FAIL, FIRST_NAME, GO_ON, STATE, STRINGS, TOP } from './cells.ts';
import type { Grammar } from './grammar.ts';
import { isPlain } from './strings.ts';

/**
 * The levels that are open, two bits for the kind of each, the innermost last, with a bit set above them all: opening one
 * shifts them to the left, closing one to the right. There are two empty ones below that of the outermost object. A word has room
 * for thirteen; when it has fourteen, six go to a list, and come back when there is one left.
 */
const BOTTOM = 3;
const EMPTY_LEVELS = 2 << (2 * BOTTOM);
/** Less than two levels. */
const LEAST = 2 << 4;
/** Fourteen levels. */
const FULL = 2 << 28;
const KEPT_BITS = 16;
const SET_ASIDE = 6;

/** The fourteenth level is the eleventh below the outermost object, or every sixth from there on. */
const DEEPEST = 1000;
const MOST_SETS_ASIDE = (DEEPEST + 1 - (14 - BOTTOM)) / SET_ASIDE;
const ASIDE = new Int32Array(MOST_SETS_ASIDE);

/** Bytes that are read in one call. */
const BLOCK = 4096;

/** Where the reading stands between calls. One for all: reading is synchronous. */
const PLACE = { action: FAIL, state: 0, levels: 0, aside: 0 };

/** Begins a reading behind the bracket that opens the outermost object. */
export function beginScan(): void {
  PLACE.aside = 0;
  goOn(FIRST_NAME, TOP);
}

/** Goes on in the outermost object, in a state and with its kind. */
export function goOn(state: number, kind: number): void {
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
 * branch, so that a byte takes the same time whatever the text. The one exception makes it shorter: four bytes of a string
 * are looked at together, and whether it is a string is asked at every eighth byte.
 *
 * It stops after some thousand bytes at the latest. V8 compiles what is called often, for all that it has seen; of a loop
 * that is compiled while it runs it makes code that takes twice as long.
 *
 * @param words the same bytes
 * @returns offset of the byte that made it stop; behind the last, with `FAIL`, when the text ends before the object
 */
export function scan(json: Uint8Array, words: DataView, grammar: Grammar, from: number): number {
  const length = json.length | 0;
  const stop = from + BLOCK < length ? (from + BLOCK) | 0 : length;
  let state = PLACE.state | 0;
  let levels = PLACE.levels | 0;
  let at = from | 0;
  for (;;) {
    while (at < stop) {
      const cell = (grammar[state | (json[at] ?? 0)] ?? FAIL) | 0;
      if (cell < 0) {
        PLACE.action = cell & 0xff;
        PLACE.levels = levels;
        return at;
      }
      state = (cell & STATE) | ((cell >> 15) & (levels << 6));
      // An array is a zero that is shifted in, an object the one.
      levels = ((levels << cell) | 1) >> (cell >> 18);
      at = (at + 1) | 0;
      // One comparison for both ends.
      if ((levels - LEAST) >>> 0 >= FULL - LEAST) break;
      if ((at & 7) === 0 && state < STRINGS << 8) {
        while (at <= length - 4 && isPlain(words.getInt32(at))) at = (at + 4) | 0;
      }
    }
    // Out of the loop that has to be fast: what is rare takes the registers from it.
    if ((levels - LEAST) >>> 0 < FULL - LEAST) break;
    let { aside } = PLACE;
    if (levels >= FULL) {
      if (aside === MOST_SETS_ASIDE) {
        PLACE.action = FAIL;
        return at;
      }
      ASIDE[aside] = levels >> KEPT_BITS;
      aside += 1;
      levels = (levels & ((1 << KEPT_BITS) - 1)) | (2 << KEPT_BITS);
    } else {
      aside -= 1;
      levels = ((ASIDE[aside] ?? 0) << 2) | (levels & 3);
    }
    PLACE.aside = aside;
  }
  PLACE.action = at < length ? GO_ON : FAIL;
  PLACE.state = state;
  PLACE.levels = levels;
  return at;
}
