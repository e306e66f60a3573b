export const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** 1 for the bytes that are white space. */
const SPACE = new Uint8Array(256).map((_, byte) => (' \t\r\n'.includes(String.fromCharCode(byte)) ? 1 : 0));

/** Offset of the next byte that is not white space. */
export function skipSpace(json: Uint8Array, from: number): number {
  let at = from;
  while (SPACE[json[at] ?? 0] === 1) at += 1;
  return at;
}

/**
 * Offset behind the string whose opening quote stands at `start`; -1 when it is longer than so many bytes, quotes
 * included, or has no end.
 */
export function stringEnd(json: Uint8Array, start: number, longest: number): number {
  const last = Math.min(json.length, start + longest);
  for (let at = start + 1; at < last; at += 1) {
    if (json[at] === QUOTE) return at + 1;
    if (json[at] === BACKSLASH) at += 1;
  }
  return -1;
}

/** The valid name whose closing quote stands at `end`. Only for one that is known to have no quote within. */
export function nameBefore(json: Buffer, end: number): string {
  return JSON.parse(json.toString('latin1', json.lastIndexOf(QUOTE, end - 1), end + 1)) as string;
}
