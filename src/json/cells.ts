/**
 * The grammar of JSON (RFC 8259) is a table, with the name of one member of the outermost object in it: the cell for a
 * byte in a state is at `byte * 256 + state`. Negative cells end the reading for a moment, and have one of the actions in
 * their last eight bits. All others say what the byte does:
 *
 * | bits | |
 * |---|---|
 * | 0–7 | the state that follows |
 * | 8–12, 13–17 | how far the word of levels is shifted to the left, and back: see `scan.ts` |
 * | 20–21 | set when the state that follows has the kind of the level below in its last two bits |
 *
 * Whatever is to be done upon a byte is in its cell, so that nothing has to be decided: a processor that guesses wrong
 * what hostile texts hold next takes longer for that than for all the rest.
 */
/** Kinds of level. The outermost object has two: the second while the member is read that is looked for. */
export const ARRAY = 0;
export const OBJECT = 1;
export const TOP = 2;
export const TOP_WANTED = 3;

/** Actions. */
export const FAIL = 0;
/** The name that is looked for has ended. */
export const WANTED_NAME = 1;
/** A comma behind its value. */
export const NEXT_MEMBER = 2;
export const CLOSE_TOP = 3;

export const ACTION = 1 << 31;
export const STAY = (1 << 8) | (1 << 13);
export const CLOSE = (2 << 13) | (3 << 20);
export const OPEN_ARRAY = (3 << 8) | (1 << 13);
export const OPEN_OBJECT = 2 << 8;

/** Behind a value, by kind of level: what a closing bracket leads to. */
export const COMMA_OR_END = 4;

/** States where the outermost object begins, where its next name does, and the value that is looked for. */
export const FIRST_NAME = 8;
export const NEXT_NAME = 9;
export const WANTED_VALUE = 10;

/** From here on, in a string, where most bytes change nothing. There is one for each kind, and one for either kind of name. */
export const FIRST_STRING = 250;

/** States of arrays and objects to which a bracket in any value leads. */
export const ARRAY_VALUE_OR_END = 11;
export const OBJECT_NAME_OR_END = 12;
/** What `grammar.ts` makes, is numbered from here on. */
export const FIRST_FREE = 13;
