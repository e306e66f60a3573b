import { CR, CR_CR, LF, LF_CR, LF_LF } from './line-breaks.ts';

/**
 * Counts the events that end in the pieces of a stream: each end is an empty line, two line breaks in a row, of which
 * the bytes that touch each other tell. A stream whose first line ends with LF is taken to have no other line breaks.
 */
export function createEndCounter(): (bytes: Buffer) => number {
  let pairs: readonly Buffer[] | undefined;
  let before: number | undefined;
  return (bytes) => {
    pairs ??= pairsOf(bytes);
    const [first] = bytes;
    const across = (before === LF && (first === LF || first === CR)) || (before === CR && first === CR) ? 1 : 0;
    before = bytes[bytes.length - 1];
    let found = across;
    for (const pair of pairs ?? []) {
      for (let at = bytes.indexOf(pair); at !== -1;) {
        found += 1;
        at = at + 2 === bytes.length ? -1 : bytes.indexOf(pair, at + 2);
      }
    }
    return found;
  };
}

/** The pairs to look for; undefined while no line has ended. */
function pairsOf(bytes: Buffer): readonly Buffer[] | undefined {
  const [cr, lf] = [bytes.indexOf(CR), bytes.indexOf(LF)];
  if (cr === -1 && lf === -1) return undefined;
  return cr === -1 || (lf !== -1 && lf < cr) ? [LF_LF] : [LF_LF, LF_CR, CR_CR];
}
