/**
 * The grammar of JSON (RFC 8259) between its strings, as a table: what follows in a state upon a byte, at
 * `NEXT[256 * state + byte]`. One look-up a byte, whatever the text, is what keeps hostile texts as cheap as others.
 */
export const NEXT = new Uint8Array(32 * 256);

/** States: what is expected. Those of numbers and literals are named in the table only. */
export const VALUE = 1;
export const VALUE_OR_END = 2;
export const NAME = 3;
export const NAME_OR_END = 4;
const COLON = 5;
export const COMMA_OR_END = 6;

/** From here on something is to be done; which state follows, depends on that. */
export const FIRST_ACTION = 32;
/** A byte that cannot stand there. */
export const FAIL = 32;
export const OPEN_OBJECT = 33;
export const OPEN_ARRAY = 34;
export const END_OBJECT = 35;
export const END_ARRAY = 36;
export const NEXT_MEMBER = 37;
export const BEGIN_VALUE = 38;
export const BEGIN_STRING = 39;
export const BEGIN_NAME = 40;
export const AFTER_NAME = COLON;

NEXT.fill(FAIL);

function on(state: number, characters: string, next: number): void {
  for (const character of characters) NEXT[256 * state + character.charCodeAt(0)] = next;
}

const SPACE = ' \t\r\n';
const DIGITS = '0123456789';

/** A number's digits, a literal's letters: the states after the six that have names. */
let last = COMMA_OR_END;
function newState(): number {
  last += 1;
  return last;
}

/** The states in which a value may end. */
function mayEnd(...states: readonly number[]): void {
  for (const each of states) {
    on(each, SPACE, COMMA_OR_END);
    on(each, ',', NEXT_MEMBER);
    on(each, '}', END_OBJECT);
    on(each, ']', END_ARRAY);
  }
}

const minus = newState();
const zero = newState();
const digits = newState();
const point = newState();
const fraction = newState();
const exponent = newState();
const sign = newState();
const power = newState();
on(minus, '0', zero);
on(minus, '123456789', digits);
on(digits, DIGITS, digits);
for (const whole of [zero, digits]) {
  on(whole, '.', point);
  on(whole, 'eE', exponent);
}
on(point, DIGITS, fraction);
on(fraction, DIGITS, fraction);
on(fraction, 'eE', exponent);
on(exponent, '+-', sign);
for (const before of [exponent, sign, power]) on(before, DIGITS, power);
mayEnd(COMMA_OR_END, zero, digits, fraction, power);

for (const expected of [VALUE, VALUE_OR_END]) {
  on(expected, SPACE, expected);
  on(expected, '{', OPEN_OBJECT);
  on(expected, '[', OPEN_ARRAY);
  on(expected, '"', BEGIN_STRING);
  on(expected, '-', minus);
  on(expected, '0', zero);
  on(expected, '123456789', digits);
}
on(VALUE_OR_END, ']', END_ARRAY);
for (const expected of [NAME, NAME_OR_END]) {
  on(expected, SPACE, expected);
  on(expected, '"', BEGIN_NAME);
}
on(NAME_OR_END, '}', END_OBJECT);
on(COLON, SPACE, COLON);
on(COLON, ':', BEGIN_VALUE);

for (const literal of ['true', 'false', 'null']) {
  const states = Array.from(literal.slice(1), newState);
  for (const expected of [VALUE, VALUE_OR_END]) on(expected, literal.charAt(0), states[0] ?? FAIL);
  states.forEach((each, index) => on(each, literal.charAt(index + 1), states[index + 1] ?? COMMA_OR_END));
}
