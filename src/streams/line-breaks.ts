export const LF = 0x0a;
export const CR = 0x0d;

/** Two line breaks as bytes; of CR LF only the byte that touches the other break matters. */
export const LF_LF = Buffer.from([LF, LF]);
export const LF_CR = Buffer.from([LF, CR]);
export const CR_CR = Buffer.from([CR, CR]);

/** Longest end of an event, in bytes: CR LF CR LF. */
export const LONGEST_END = 4;
