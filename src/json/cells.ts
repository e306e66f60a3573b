/**
 * The grammar of JSON (RFC 8259) is a table with the names in it that are looked for. The cell for a byte in a state is at
 * `state * 256 + byte`, and says what the byte does:
 *
 * | bits | |
 * |---|---|
 * | 0–1 | 0 where a level is closed, 2 where one is opened, 1 otherwise |
 * | 2–7 | in negative cells, which end the reading for a moment: one of the actions |
 * | 8–17 | the state that follows |
 * | 26–27 | set where the kind of the level below becomes the last two bits of the state that follows |
 *
 * Whatever is to be done upon a byte is in its cell, so that nothing has to be decided: a processor that guesses wrong
 * what hostile texts hold next takes longer for that than for all the rest.
 */

/** Kinds of level. The outermost object has two: the second while a member is read that is looked for. */
export const ARRAY = 0;
export const OBJECT = 1;
export const TOP = 2;
export const TOP_WANTED = 3;

/** Actions. */
export const FAIL = 0;
/** A name that is looked for has ended, in the outermost object or in another one. */
export const WANTED_NAME = 1 << 2;
export const WANTED_INNER_NAME = 2 << 2;
/** A comma behind a member of the outermost object that is looked for. */
export const NEXT_MEMBER = 3 << 2;
export const CLOSE_TOP = 4 << 2;
/** Nothing but to read on. */
export const GO_ON = 5 << 2;

/** Behind an action: no byte does anything. */
const STOPPED = 19;

export const ACTION = (1 << 31) | (STOPPED << 8) | 1;
export const STAY = 1;
export const OPEN = 2;
export const CLOSE = 3 << 26;

/** States below six are in a string, where most bytes change nothing: of a value, by kind of level, or of a name. */
export const OBJECT_NAME_STRING = 4;
export const TOP_NAME_STRING = 5;

/** Behind a value, by kind of level: what a closing bracket leads to. */
export const COMMA_OR_END = 8;

/** Of the outermost object. */
export const FIRST_NAME = 12;
export const NEXT_NAME = 13;
export const TOP_COLON = 14;
export const WANTED_VALUE = 15;

/** What a bracket in any value leads to: the last two bits are the kind of the level that it opens. */
export const ARRAY_VALUE_OR_END = 16;
export const OBJECT_NAME_OR_END = 17;
export const OBJECT_COLON = 18;

/** From here on `grammar.ts` numbers as it needs. */
export const FIRST_FREE = 20;
export const MOST_STATES = 1024;
