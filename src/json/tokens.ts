/** Bytes that the grammar of JSON (RFC 8259) gives a meaning. */
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;

const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

/** A table with 1 for the bytes of a set. */
function bytes(isInSet: (character: string, byte: number) => boolean): Uint8Array {
  return new Uint8Array(256).map((_, byte) => (isInSet(String.fromCharCode(byte), byte) ? 1 : 0));
}

const SPACE = bytes((character) => ' \t\r\n'.includes(character));
const DIGIT = bytes((character) => '0123456789'.includes(character));
const HEX = bytes((character) => '0123456789abcdefABCDEF'.includes(character));
/** What may follow a backslash, but for the `u` of four more characters. */
const ESCAPED = bytes((character) => '"\\/bfnrt'.includes(character));
/** What stands for itself in a string. Bytes above ASCII do: whether they are UTF-8 is checked elsewhere. */
const PLAIN = bytes((character, byte) => byte >= 0x20 && !'"\\'.includes(character));

const LITERALS = ['true', 'false', 'null'].map((word) => Buffer.from(word));

/** Offset of the first byte from `from` on that is not of the set. */
function skip(json: Uint8Array, from: number, set: Uint8Array): number {
  let at = from;
  while (at < json.length && set[json[at] ?? 0] === 1) at += 1;
  return at;
}

/** Offset of the next byte that is not white space. */
export function skipSpace(json: Uint8Array, from: number): number {
  return SPACE[json[from] ?? 0] === 1 ? skip(json, from, SPACE) : from;
}

/** Offset behind the string, number or literal that begins at `start`; -1 when no valid one does. */
export function endOfScalar(json: Buffer, start: number): number {
  const first = json[start] ?? 0;
  if (first === QUOTE) return endOfString(json, start);
  if (first === MINUS || DIGIT[first] === 1) return endOfNumber(json, start);
  const literal = LITERALS.find((word) => word[0] === first);
  if (literal === undefined || literal.some((byte, index) => json[start + index] !== byte)) return -1;
  return start + literal.length;
}

/** Offset behind the closing quote of the string whose opening quote stands at `start`; -1 when it is not valid. */
export function endOfString(json: Uint8Array, start: number): number {
  let at = start + 1;
  for (;;) {
    at = skip(json, at, PLAIN);
    const byte = json[at];
    if (byte === QUOTE) return at + 1;
    if (byte !== BACKSLASH) return -1;
    const escaped = json[at + 1] ?? 0;
    if (ESCAPED[escaped] === 1) at += 2;
    else if (escaped === 0x75 && isCodeUnit(json, at + 2)) at += 6;
    else return -1;
  }
}

function isCodeUnit(json: Uint8Array, from: number): boolean {
  for (let at = from; at < from + 4; at += 1) if (HEX[json[at] ?? 0] !== 1) return false;
  return true;
}

function endOfNumber(json: Uint8Array, start: number): number {
  let at = json[start] === MINUS ? start + 1 : start;
  const digits = at;
  at = json[at] === ZERO ? at + 1 : skip(json, at, DIGIT);
  if (at === digits) return -1;
  if (json[at] === POINT) {
    const fraction = at + 1;
    at = skip(json, fraction, DIGIT);
    if (at === fraction) return -1;
  }
  if (((json[at] ?? 0) | 0x20) !== 0x65) return at;
  const sign = json[at + 1];
  const exponent = sign === MINUS || sign === 0x2b ? at + 2 : at + 1;
  at = skip(json, exponent, DIGIT);
  return at === exponent ? -1 : at;
}
