export const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** What may follow a backslash, but for the `u` of four more characters: 1 for its bytes. */
const ESCAPED = new Uint8Array(256).map((_, byte) => ('"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0));

/** 1 for the bytes that are white space. */
const SPACE = new Uint8Array(256).map((_, byte) => (' \t\r\n'.includes(String.fromCharCode(byte)) ? 1 : 0));

/** Offset of the next byte that is not white space. */
export function skipSpace(json: Uint8Array, from: number): number {
  let at = from;
  while (SPACE[json[at] ?? 0] === 1) at += 1;
  return at;
}

/**
 * Offset behind the closing quote of the string whose opening quote stands at `start`; -1 when it is not valid. Whether
 * its bytes above ASCII are UTF-8 is checked elsewhere.
 *
 * @param words the same bytes: they are looked at four at a time, since bodies are megabytes of strings
 */
export function endOfString(json: Uint8Array, words: DataView, start: number): number {
  const { length } = json;
  const lastWord = length - 4;
  let at = start + 1;
  while (at < length) {
    const byte = json[at] ?? 0;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20) return -1;
    at += 1;
    if (byte === BACKSLASH) {
      const escaped = at < length ? (json[at] ?? 0) : 0;
      if (ESCAPED[escaped] === 1) at += 1;
      else if (escaped === 0x75 && codeUnitAt(json, at + 1) >= 0) at += 5;
      else return -1;
    } else {
      while (at <= lastWord && isPlain(words.getInt32(at))) at += 4;
    }
  }
  return -1;
}

/** True when none of four bytes is a quote, a backslash or a control character. */
function isPlain(word: number): boolean {
  const control = ((word - 0x20202020) | 0) & ~word;
  const quote = word ^ 0x22222222;
  const backslash = word ^ 0x5c5c5c5c;
  const found = control | (((quote - 0x01010101) | 0) & ~quote) | (((backslash - 0x01010101) | 0) & ~backslash);
  return (found & -0x7f7f7f80) === 0;
}

/** What hexadecimal digits are worth, -1 for other bytes. */
const HEX = new Int8Array(256).map((_, byte) => '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase()));

/** The number that four hexadecimal digits are, negative when they are none. */
function codeUnitAt(json: Uint8Array, from: number): number {
  if (from + 4 > json.length) return -1;
  return (
    ((HEX[json[from] ?? 0] ?? -1) << 12) |
    ((HEX[json[from + 1] ?? 0] ?? -1) << 8) |
    ((HEX[json[from + 2] ?? 0] ?? -1) << 4) |
    (HEX[json[from + 3] ?? 0] ?? -1)
  );
}

/**
 * True when the valid string that begins at `quote` is this text, however it is escaped. Compares in place, and looks at
 * no more than the text's length: a body can have as many names as it has bytes.
 *
 * @param text ASCII letters
 */
export function spells(json: Uint8Array, quote: number, text: string): boolean {
  let at = quote + 1;
  for (let index = 0; index < text.length; index += 1) {
    let unit = json[at];
    at += 1;
    if (unit === BACKSLASH) {
      // What one character escapes is no letter.
      unit = codeUnitAt(json, at + 1);
      at += 5;
    }
    if (unit !== text.charCodeAt(index)) return false;
  }
  return json[at] === QUOTE;
}
