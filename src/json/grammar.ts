import {
  ACTION,
  ARRAY,
  ARRAY_VALUE_OR_END,
  CLOSE,
  CLOSE_TOP,
  COMMA_OR_END,
  FAIL,
  FIRST_FREE,
  FIRST_NAME,
  MOST_STATES,
  NEXT_MEMBER,
  NEXT_NAME,
  OBJECT,
  OBJECT_COLON,
  OBJECT_NAME_OR_END,
  OBJECT_NAME_STRING,
  OPEN,
  STAY,
  TOP,
  TOP_COLON,
  TOP_NAME_STRING,
  TOP_WANTED,
  WANTED_INNER_NAME,
  WANTED_NAME,
  WANTED_VALUE,
} from './cells.ts';
import { type NamePlace, placesOf } from './names.ts';

/** What each byte does in each state: see `cells.ts`. */
export type Grammar = Int32Array;

/** Names that are looked for: ASCII letters, a few dozen of them in all. */
export interface Wanted {
  /** In the outermost object. */
  readonly top: readonly string[];
  /** In all others. */
  readonly inner: readonly string[];
  /** Capitals do not count. */
  readonly anyCase: boolean;
}

const SPACE = ' \t\r\n';
const DIGITS = '0123456789';
const HEX = `${DIGITS}abcdefABCDEF`;
const ESCAPED = '"\\/bfnrt';

/** In a string: within it, behind a backslash, and at each of four hexadecimal digits. */
interface StringStates {
  readonly inside: number;
  readonly escape: number;
  readonly digits: readonly [number, number, number, number];
}

export function grammarOf({ top, inner, anyCase }: Wanted): Grammar {
  const grammar = new Int32Array(MOST_STATES * 256).fill(ACTION | FAIL);
  let count = FIRST_FREE;

  const newState = () => {
    if (count === MOST_STATES) throw new RangeError('The names are too long.');
    return count++;
  };
  const set = (from: number, characters: string, cell: number) => {
    for (const character of characters) grammar[from * 256 + character.charCodeAt(0)] = cell;
  };
  const on = (from: number, characters: string, next: number) => set(from, characters, (next << 8) | STAY);
  const insideString = (from: number, inside: number) => {
    for (let byte = 0x20; byte < 256; byte += 1) grammar[from * 256 + byte] = (inside << 8) | STAY;
  };

  /** An escape that is none of a letter that is looked for, or the rest of it. */
  const escapeStates = (inside: number): Pick<StringStates, 'escape' | 'digits'> => {
    const escape = newState();
    const digits: StringStates['digits'] = [newState(), newState(), newState(), newState()];
    on(escape, ESCAPED, inside);
    on(escape, 'u', digits[0]);
    digits.forEach((digit, index) => on(digit, HEX, digits[index + 1] ?? inside));
    return { escape, digits };
  };
  const stringStates = (inside: number, close: number): StringStates => {
    const { escape, digits } = escapeStates(inside);
    insideString(inside, inside);
    on(inside, '"', close);
    on(inside, '\\', escape);
    return { inside, escape, digits };
  };

  /** From where a value may begin to the comma or bracket behind it. */
  const valueStates = (kind: number, value: number, comma: number, bracket: string, close: number) => {
    const commaOrEnd = COMMA_OR_END + kind;
    const [minus, zero, digits, point] = [newState(), newState(), newState(), newState()];
    const [fraction, exponent, sign, power] = [newState(), newState(), newState(), newState()];
    on(value, SPACE, value);
    set(value, '[', (ARRAY_VALUE_OR_END << 8) | OPEN);
    set(value, '{', (OBJECT_NAME_OR_END << 8) | OPEN);
    on(value, '"', stringStates(kind, commaOrEnd).inside);
    on(value, '-', minus);
    for (const before of [value, minus]) {
      on(before, '0', zero);
      on(before, '123456789', digits);
    }
    on(digits, DIGITS, digits);
    for (const whole of [zero, digits]) on(whole, '.', point);
    for (const before of [point, fraction]) on(before, DIGITS, fraction);
    for (const before of [zero, digits, fraction]) on(before, 'eE', exponent);
    on(exponent, '+-', sign);
    for (const before of [exponent, sign, power]) on(before, DIGITS, power);
    for (const literal of ['true', 'false', 'null']) {
      let before = value;
      for (const [index, letter] of Array.from(literal).entries()) {
        const next = index === literal.length - 1 ? commaOrEnd : newState();
        on(before, letter, next);
        before = next;
      }
    }
    for (const mayEnd of [commaOrEnd, zero, digits, fraction, power]) {
      on(mayEnd, SPACE, commaOrEnd);
      set(mayEnd, ',', comma);
      set(mayEnd, bracket, close);
    }
  };

  /**
   * From where a name may begin to its colon. It is compared while it is read, also where its letters are escaped, of which
   * none has an escape of one character; what is none of the names goes on as any other string.
   */
  const nameStates = (
    begins: readonly number[],
    wanted: readonly string[],
    action: number,
    any: number,
    colon: number,
  ) => {
    const other = stringStates(any, colon);
    const known = new Map<NamePlace, number>();
    const stateOf = (place: NamePlace): number => {
      const before = known.get(place);
      if (before !== undefined) return before;
      const state = newState();
      known.set(place, state);
      insideString(state, other.inside);
      if (place.whole) set(state, '"', ACTION | action);
      else on(state, '"', colon);
      on(state, '\\', other.escape);
      if (place.next.size === 0) return state;
      const { escape, digits } = escapeStates(other.inside);
      on(state, '\\', escape);
      on(digits[2], HEX, other.digits[3]);
      const lastDigits = new Map<string, number>();
      for (const [letter, next] of place.next) {
        on(state, letter, stateOf(next));
        const [sixteens = '', ones = ''] = letter.charCodeAt(0).toString(16);
        const last = lastDigits.get(sixteens) ?? newState();
        if (!lastDigits.has(sixteens)) on(last, HEX, other.inside);
        lastDigits.set(sixteens, last);
        on(digits[2], sixteens, last);
        on(last, ones + ones.toUpperCase(), stateOf(next));
      }
      on(digits[0], HEX, other.digits[1]);
      on(digits[0], '0', digits[1]);
      on(digits[1], HEX, other.digits[2]);
      on(digits[1], '0', digits[2]);
      return state;
    };
    const first = stateOf(placesOf(wanted, anyCase));
    for (const begin of begins) {
      on(begin, SPACE, begin);
      on(begin, '"', first);
    }
    on(colon, SPACE, colon);
  };

  const closed = (COMMA_OR_END << 8) | CLOSE;
  const arrayValue = newState();
  valueStates(ARRAY, arrayValue, (arrayValue << 8) | STAY, ']', closed);
  grammar.copyWithin(ARRAY_VALUE_OR_END * 256, arrayValue * 256, (arrayValue + 1) * 256);
  on(ARRAY_VALUE_OR_END, SPACE, ARRAY_VALUE_OR_END);
  set(ARRAY_VALUE_OR_END, ']', closed);

  const [objectName, objectValue] = [newState(), newState()];
  valueStates(OBJECT, objectValue, (objectName << 8) | STAY, '}', closed);
  nameStates([objectName, OBJECT_NAME_OR_END], inner, WANTED_INNER_NAME, OBJECT_NAME_STRING, OBJECT_COLON);
  on(OBJECT_COLON, ':', objectValue);
  set(OBJECT_NAME_OR_END, '}', closed);

  const topValue = newState();
  valueStates(TOP, topValue, (NEXT_NAME << 8) | STAY, '}', ACTION | CLOSE_TOP);
  valueStates(TOP_WANTED, WANTED_VALUE, ACTION | NEXT_MEMBER, '}', ACTION | CLOSE_TOP);
  nameStates([NEXT_NAME, FIRST_NAME], top, WANTED_NAME, TOP_NAME_STRING, TOP_COLON);
  on(TOP_COLON, ':', topValue);
  set(FIRST_NAME, '}', ACTION | CLOSE_TOP);
  return grammar.slice(0, count * 256);
}
