export const QUOTE = 0x22;

/** 1 for the bytes that are white space. */
const SPACE = new Uint8Array(256).map((_, byte) => (' \t\r\n'.includes(String.fromCharCode(byte)) ? 1 : 0));

/** Offset of the next byte that is not white space. */
export function skipSpace(json: Uint8Array, from: number): number {
  let at = from;
  while (SPACE[json[at] ?? 0] === 1) at += 1;
  return at;
}

/** True when none of four bytes is a quote, a backslash or a control character. */
export function isPlain(word: number): boolean {
  const control = ((word - 0x20202020) | 0) & ~word;
  const quote = word ^ 0x22222222;
  const backslash = word ^ 0x5c5c5c5c;
  const found = control | (((quote - 0x01010101) | 0) & ~quote) | (((backslash - 0x01010101) | 0) & ~backslash);
  return (found & -0x7f7f7f80) === 0;
}
