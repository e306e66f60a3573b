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
  FIRST_STRING,
  NEXT_MEMBER,
  NEXT_NAME,
  OBJECT,
  OBJECT_NAME_OR_END,
  OPEN_ARRAY,
  OPEN_OBJECT,
  STAY,
  TOP,
  TOP_WANTED,
  WANTED_NAME,
  WANTED_VALUE,
} from './cells.ts';

/** What each byte does in each state: see `cells.ts`. */
export type Grammar = Int32Array;

const SPACE = ' \t\r\n';
const DIGITS = '0123456789';
const HEX = `${DIGITS}abcdefABCDEF`;
const ESCAPED = '"\\/bfnrt';

/** In a string: within it, behind a backslash, and at each of four hexadecimal digits. */
interface StringStates {
  readonly inside: number;
  readonly escape: number;
  readonly digits: readonly number[];
}

/** @param name of the member that is looked for; ASCII letters, at most twenty */
export function grammarOf(name: string): Grammar {
  const grammar = new Int32Array(256 * 256).fill(ACTION | FAIL);
  let state = FIRST_FREE;
  let stringState = FIRST_STRING;

  const newState = () => {
    if (state === FIRST_STRING) throw new RangeError('The name is too long.');
    return state++;
  };
  const on = (from: number, characters: string, next: number) => {
    const cell = next < 0 || next >= 256 ? next : next | STAY;
    for (const character of characters) grammar[character.charCodeAt(0) * 256 + from] = cell;
  };
  const insideString = (inside: number, next: number, close: number) => {
    for (let byte = 0x20; byte < 256; byte += 1) grammar[byte * 256 + inside] = next | STAY;
    on(inside, '"', close);
  };

  const stringStates = (close: number): StringStates => {
    const inside = stringState++;
    const [escape, ...digits] = [newState(), newState(), newState(), newState(), newState()];
    insideString(inside, inside, close);
    on(inside, '\\', escape);
    on(escape, ESCAPED, inside);
    on(escape, 'u', digits[0] ?? FAIL);
    digits.forEach((digit, index) => on(digit, HEX, digits[index + 1] ?? inside));
    return { inside, escape, digits };
  };

  /** From where a value may begin to the comma or bracket behind it. */
  const valueStates = (kind: number, value: number, comma: number, bracket: string, close: number) => {
    const commaOrEnd = COMMA_OR_END + kind;
    const [minus, zero, digits, point] = [newState(), newState(), newState(), newState()];
    const [fraction, exponent, sign, power] = [newState(), newState(), newState(), newState()];
    on(value, SPACE, value);
    on(value, '[', ARRAY_VALUE_OR_END | OPEN_ARRAY);
    on(value, '{', OBJECT_NAME_OR_END | OPEN_OBJECT);
    on(value, '"', stringStates(commaOrEnd).inside);
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
      const letters = Array.from(literal.slice(1), newState);
      on(value, literal.charAt(0), letters[0] ?? FAIL);
      letters.forEach((each, index) => on(each, literal.charAt(index + 1), letters[index + 1] ?? commaOrEnd));
    }
    for (const mayEnd of [commaOrEnd, zero, digits, fraction, power]) {
      on(mayEnd, SPACE, commaOrEnd);
      on(mayEnd, ',', comma);
      on(mayEnd, bracket, close);
    }
  };

  /** From where a name may begin to the value behind it. */
  const nameStates = (names: readonly number[], inside: number, colon: number, value: number) => {
    for (const each of names) {
      on(each, SPACE, each);
      on(each, '"', inside);
    }
    on(colon, SPACE, colon);
    on(colon, ':', value);
  };

  /** A name of the outermost object, compared while it is read; another one goes on as `other`. */
  const wantedName = (colon: number, other: StringStates): number => {
    const places = Array.from({ length: name.length + 1 }, newState);
    places.forEach((place, index) => {
      const next = places[index + 1];
      insideString(place, other.inside, next === undefined ? ACTION | WANTED_NAME : colon);
      on(place, '\\', other.escape);
      if (next === undefined) return;
      on(place, name.charAt(index), next);
      // No letter has an escape of one character.
      const [escape, ...digits] = [newState(), newState(), newState(), newState(), newState()];
      on(place, '\\', escape);
      on(escape, ESCAPED, other.inside);
      on(escape, 'u', digits[0] ?? FAIL);
      const code = name.charCodeAt(index).toString(16).padStart(4, '0');
      digits.forEach((digit, at) => {
        const spelt = code.charAt(at);
        on(digit, HEX, other.digits[at + 1] ?? other.inside);
        on(digit, spelt + spelt.toUpperCase(), digits[at + 1] ?? next);
      });
    });
    return places[0] ?? FAIL;
  };

  const closed = COMMA_OR_END | CLOSE;
  const arrayValue = newState();
  valueStates(ARRAY, arrayValue, arrayValue, ']', closed);
  for (let byte = 0; byte < 256; byte += 1) {
    grammar[byte * 256 + ARRAY_VALUE_OR_END] = grammar[byte * 256 + arrayValue] ?? FAIL;
  }
  on(ARRAY_VALUE_OR_END, SPACE, ARRAY_VALUE_OR_END);
  on(ARRAY_VALUE_OR_END, ']', closed);

  const [objectName, objectColon, objectValue] = [newState(), newState(), newState()];
  valueStates(OBJECT, objectValue, objectName, '}', closed);
  nameStates([objectName, OBJECT_NAME_OR_END], stringStates(objectColon).inside, objectColon, objectValue);
  on(OBJECT_NAME_OR_END, '}', closed);

  const [topColon, topValue] = [newState(), newState()];
  valueStates(TOP, topValue, NEXT_NAME, '}', ACTION | CLOSE_TOP);
  valueStates(TOP_WANTED, WANTED_VALUE, ACTION | NEXT_MEMBER, '}', ACTION | CLOSE_TOP);
  nameStates([NEXT_NAME, FIRST_NAME], wantedName(topColon, stringStates(topColon)), topColon, topValue);
  on(FIRST_NAME, '}', ACTION | CLOSE_TOP);
  return grammar;
}
