import { FAIL, FIRST_NAME, GO_ON, TOP } from './cells.ts';
import type { Grammar } from './grammar.ts';

// What the loop needs of `cells.ts`, as literals of this file: V8 reads what is imported from memory again at every byte.
const STATE = 0x3ff00;
const ACTIONS = 0xfc;
/** States below this one are in a string. */
const STRINGS = 0x600;

/** Bytes that are read in one call. */
const BLOCK = 4096;

const DEEPEST = 1000;

/**
 * The cells that have opened the levels that are open, whose states end in the kind of level. That of the outermost object
 * is at 1, so what is below the innermost level is at the number of levels in it. Each byte writes its cell above them,
 * where it does no harm and is not asked for: to find out whether a byte opens a level would take longer. There is room
 * for all that one call can open.
 */
const OPENED = new Int32Array(DEEPEST + BLOCK + 16);
/** Written to by nothing but a byte in a level that is too deep. */
const TOO_DEEP = DEEPEST + 3;

/** Where the reading stands between calls. One for all: reading is synchronous. */
const PLACE = { action: FAIL, state: 0, level: 0 };

/** Begins a reading behind the bracket that opens the outermost object. */
export function beginScan(): void {
  OPENED[TOO_DEEP] = 0;
  goOn(FIRST_NAME, TOP);
}

/** Goes on in the outermost object, in a state and with its kind. */
export function goOn(state: number, kind: number): void {
  OPENED[1] = kind << 8;
  PLACE.level = 0;
  resume(state);
}

/** Goes on in a state, at the level where it has stopped. */
export function resume(state: number): void {
  PLACE.state = state << 8;
}

/** Levels that are open, without the outermost object. */
export function depth(): number {
  return PLACE.level;
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
  const opened = OPENED;
  const last = (json.length - 4) | 0;
  const stop = (from + BLOCK) | 0;
  let at = from | 0;
  let fourth = PLACE.state | 0;
  let third = 0;
  let second = 0;
  let first = 0;
  let level = PLACE.level | 0;
  let below = 0;
  do {
    if ((fourth & STATE) < STRINGS) {
      while (at <= last && isPlain(words.getInt32(at, true))) at = (at + 4) | 0;
    }
    do {
      const word = (at <= last ? words.getInt32(at, true) : lastBytes(json, at)) | 0;
      first = (grammar[(fourth & STATE) | (word & 0xff) | ((fourth >>> 18) & below)] ?? 0) | 0;
      below = (opened[level] ?? 0) | 0;
      opened[(level + 2) | 0] = first;
      level = (level + (first & 3) - 1) | 0;

      second = (grammar[(first & STATE) | ((word >> 8) & 0xff) | ((first >>> 18) & below)] ?? 0) | 0;
      below = (opened[level] ?? 0) | 0;
      opened[(level + 2) | 0] = second;
      level = (level + (second & 3) - 1) | 0;

      third = (grammar[(second & STATE) | ((word >> 16) & 0xff) | ((second >>> 18) & below)] ?? 0) | 0;
      below = (opened[level] ?? 0) | 0;
      opened[(level + 2) | 0] = third;
      level = (level + (third & 3) - 1) | 0;

      fourth = (grammar[(third & STATE) | (word >>> 24) | ((third >>> 18) & below)] ?? 0) | 0;
      below = (opened[level] ?? 0) | 0;
      opened[(level + 2) | 0] = fourth;
      level = (level + (fourth & 3) - 1) | 0;

      at = (at + 4) | 0;
      if (fourth < 0) break;
      if ((at & 12) === 0 && (fourth & STATE) < STRINGS) break;
    } while (at < stop);
  } while (fourth >= 0 && at < stop);
  PLACE.state = (fourth & STATE) | ((fourth >>> 18) & below);
  PLACE.level = level;
  // Behind an action nothing changes any more.
  const cells = [first, second, third, fourth];
  const index = fourth < 0 ? cells.findIndex((cell) => cell < 0) : cells.length;
  PLACE.action = OPENED[TOO_DEEP] !== 0 ? FAIL : fourth < 0 ? (cells[index] ?? 0) & ACTIONS : GO_ON;
  return at - cells.length + index;
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
