import { isModelId } from './model-id.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** Longest identifier of a model that Bedrock takes, and its quotes. */
const LONGEST = 2050;

/**
 * The model that a JSON body names at its top level, for the record: found without parsing, from both ends, since
 * clients write the long members in the middle. Undefined where it is not found, or the body is no such JSON; a name
 * that decides about anything is read by `modelOf`.
 *
 * @param chunks the body in pieces; the first and the last of them are looked at
 * @param member `model` or `modelId`
 */
export function glimpseModel(chunks: readonly Buffer[], member: string): string | undefined {
  const [first = Buffer.alloc(0)] = chunks;
  const name = Buffer.from(JSON.stringify(member));
  return fromTheStart(first, name) ?? fromTheEnd(chunks.at(-1) ?? first, name);
}

function fromTheStart(json: Buffer, name: Buffer): string | undefined {
  let depth = 0;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) {
      const end = endOfString(json, at);
      const found = depth === 1 && isEqual(json, at, end, name) ? valueAfter(json, end) : undefined;
      if (found !== undefined) return found;
      at = end - 1;
    } else depth += change(byte);
  }
  return undefined;
}

/** In JSON no quote but that of a string's beginning or end has an even number of backslashes before it. */
function fromTheEnd(json: Buffer, name: Buffer): string | undefined {
  let depth = 0;
  for (let at = json.length - 1; at >= 0; at -= 1) {
    const byte = json[at];
    if (byte === QUOTE) {
      const start = startOfString(json, at);
      const found = depth === 1 && isEqual(json, start, at + 1, name) ? valueAfter(json, at + 1) : undefined;
      if (found !== undefined) return found;
      at = start;
    } else {
      depth -= change(byte);
      // Before the object's own brace there is nothing.
      if (depth === 0 && byte === 0x7b) return undefined;
    }
  }
  return undefined;
}

function isEqual(json: Buffer, start: number, end: number, text: Buffer): boolean {
  return start >= 0 && end - start === text.length && json.compare(text, 0, text.length, start, end) === 0;
}

/** By how much a byte outside of strings changes the depth, read forwards. */
function change(byte: number | undefined): -1 | 0 | 1 {
  if (byte === 0x7b || byte === 0x5b) return 1;
  return byte === 0x7d || byte === 0x5d ? -1 : 0;
}

/** The string that is the value of the name that ends at `end`; undefined when it is no name, or the value no string. */
function valueAfter(json: Buffer, end: number): string | undefined {
  const colon = skipSpace(json, end);
  if (json[colon] !== COLON) return undefined;
  const start = skipSpace(json, colon + 1);
  if (json[start] !== QUOTE) return undefined;
  const text = json.toString('utf8', start, Math.min(endOfString(json, start), start + LONGEST));
  try {
    const value = JSON.parse(text) as string;
    return isModelId(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function skipSpace(json: Buffer, from: number): number {
  let at = from;
  while (json[at] === 0x20 || json[at] === 0x09 || json[at] === 0x0a || json[at] === 0x0d) at += 1;
  return at;
}

/** Offset behind the closing quote of the string that opens at `start`; the buffer's end when it is not closed there. */
function endOfString(json: Buffer, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, json.length);
}

/** Offset of the opening quote of the string that closes at `end`; -1 when it does not open in the buffer. */
function startOfString(json: Buffer, end: number): number {
  let at = end;
  do {
    // A negative offset would be one from the end.
    at = at === 0 ? -1 : json.lastIndexOf(QUOTE, at - 1);
  } while (at > 0 && isEscaped(json, at));
  return at;
}

function isEscaped(json: Buffer, quote: number): boolean {
  let before = quote - 1;
  while (json[before] === BACKSLASH) before -= 1;
  return (quote - before) % 2 === 0;
}
