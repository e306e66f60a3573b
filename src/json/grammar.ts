/**
 * The grammar of JSON (RFC 8259) between its strings, as a table: what follows in a state upon a byte, at
 * `NEXT[state + byte]`. States are multiples of 256. One look-up a byte, whatever the text, is what keeps hostile texts
 * as cheap as others; hence each state exists once for every kind of parent, so that a comma is a look-up too.
 */
export const NEXT = new Uint16Array(72 * 256);

/** From here on something is to be done; which state follows, depends on that. */
export const FIRST_ACTION = 0xff00;
/** A byte that cannot stand there. */
export const FAIL = 0xff00;
export const OPEN_OBJECT = 0xff01;
export const OPEN_ARRAY = 0xff02;
/** An array ends, or an object but the outermost. */
export const CLOSE = 0xff03;
export const BEGIN_NAME = 0xff04;
export const BEGIN_STRING = 0xff05;
/** In the outermost object only. */
export const BEGIN_TOP_NAME = 0xff06;
export const BEGIN_TOP_VALUE = 0xff07;
export const NEXT_TOP_MEMBER = 0xff08;
export const CLOSE_TOP = 0xff09;

NEXT.fill(FAIL);

let last = 0;
function newState(): number {
  last += 256;
  return last;
}

function on(state: number, characters: string, next: number): void {
  for (const character of characters) NEXT[state + character.charCodeAt(0)] = next;
}

const SPACE = ' \t\r\n';
const DIGITS = '0123456789';

/** What is expected in an array or object. */
interface ValueStates {
  readonly value: number;
  readonly commaOrEnd: number;
}

/** The states from where a value may begin to the comma or bracket behind it, which lead to `comma` and `close`. */
function valueStates(bracket: string, close: number, comma?: number): ValueStates {
  const [value, commaOrEnd] = [newState(), newState()];
  const [minus, zero, digits, point] = [newState(), newState(), newState(), newState()];
  const [fraction, exponent, sign, power] = [newState(), newState(), newState(), newState()];
  on(value, SPACE, value);
  on(value, '{', OPEN_OBJECT);
  on(value, '[', OPEN_ARRAY);
  on(value, '"', BEGIN_STRING);
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
    on(mayEnd, ',', comma ?? value);
    on(mayEnd, bracket, close);
  }
  return { value, commaOrEnd };
}

interface ObjectStates extends ValueStates {
  readonly name: number;
  readonly nameOrEnd: number;
  readonly colon: number;
}

function objectStates(beginName: number, close: number, beginValue?: number, nextMember?: number): ObjectStates {
  const [name, nameOrEnd, colon] = [newState(), newState(), newState()];
  const { value, commaOrEnd } = valueStates('}', close, nextMember ?? name);
  for (const expected of [name, nameOrEnd, colon]) on(expected, SPACE, expected);
  for (const expected of [name, nameOrEnd]) on(expected, '"', beginName);
  on(nameOrEnd, '}', close);
  on(colon, ':', beginValue ?? value);
  return { name, nameOrEnd, colon, value, commaOrEnd };
}

interface ArrayStates extends ValueStates {
  readonly valueOrEnd: number;
}

function arrayStates(): ArrayStates {
  const { value, commaOrEnd } = valueStates(']', CLOSE);
  const valueOrEnd = newState();
  NEXT.copyWithin(valueOrEnd, value, value + 256);
  on(valueOrEnd, SPACE, valueOrEnd);
  on(valueOrEnd, ']', CLOSE);
  return { value, valueOrEnd, commaOrEnd };
}

/** The outermost object. */
export const TOP = objectStates(BEGIN_TOP_NAME, CLOSE_TOP, BEGIN_TOP_VALUE, NEXT_TOP_MEMBER);
export const OBJECT = objectStates(BEGIN_NAME, CLOSE);
export const ARRAY = arrayStates();
