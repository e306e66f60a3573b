import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  endOfString,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipSpace,
} from '../json/tokens.ts';
import { isModelId } from './model-id.ts';

const BACKSLASH = 0x5c;

/** Bytes of the longest identifier that Bedrock takes, with its quotes; one that escapes needlessly may be longer. */
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
      // It is not valid, or goes on in the next piece.
      if (end === -1) return undefined;
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
      if (depth === 0 && byte === OPEN_BRACE) return undefined;
    }
  }
  return undefined;
}

function isEqual(json: Buffer, start: number, end: number, text: Buffer): boolean {
  return start >= 0 && end - start === text.length && json.compare(text, 0, text.length, start, end) === 0;
}

/** By how much a byte outside of strings changes the depth, read forwards. */
function change(byte: number | undefined): -1 | 0 | 1 {
  if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return 1;
  return byte === CLOSE_BRACE || byte === CLOSE_BRACKET ? -1 : 0;
}

/** The string that is the value of the name that ends at `end`; undefined when it is no name, or the value no string. */
function valueAfter(json: Buffer, end: number): string | undefined {
  const colon = skipSpace(json, end);
  if (json[colon] !== COLON) return undefined;
  const start = skipSpace(json, colon + 1);
  if (json[start] !== QUOTE) return undefined;
  const valueEnd = endOfString(json, start);
  if (valueEnd === -1 || valueEnd - start > LONGEST) return undefined;
  const value = JSON.parse(json.toString('utf8', start, valueEnd)) as string;
  return isModelId(value) ? value : undefined;
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
