import { LONGEST_READ, type Tally, tellEvent, type UsageReader } from './usage-tally.ts';

const LF = 0x0a;
const CR = 0x0d;

/** In a string of JSON the quotes would be escaped, so this is always a member's name. */
const USAGE = Buffer.from('"usage"');

/** A member's name, or the whole of a short string. */
const ERROR = Buffer.from('"error"');

const LF_LF = Buffer.from([LF, LF]);
const LF_CR = Buffer.from([LF, CR]);
const CR_CR = Buffer.from([CR, CR]);

const NOTHING = Buffer.alloc(0);

/** Longest end of an event: CR LF CR LF. */
const LONGEST_END = 4;

/**
 * Reads `text/event-stream` in the dialects of OpenAI and Anthropic. Only what has a member `usage` that is an object,
 * or speaks of an error, is parsed, and everything until the first token has been seen.
 */
export function createEventReader(tally: Tally): UsageReader {
  let held: Buffer[] = [];
  let heldBytes = 0;
  /** The last bytes so far: an event's end may be cut in two. */
  let tail: Buffer = NOTHING;
  /** Inside an event that is too long to be read. */
  let skipping = false;
  /** The last byte so far. */
  let before: number | undefined;

  const release = (): Buffer | undefined => {
    const block = held.length === 1 ? held[0] : Buffer.concat(held);
    held = [];
    heldBytes = 0;
    tail = NOTHING;
    return skipping ? undefined : block;
  };
  const read = (block: Buffer | undefined) => {
    if (block === undefined) return;
    if (!tally.firstTokenSeen || hasUsage(block) || block.includes(ERROR)) readEvents(tally, block);
  };

  return {
    write(bytes) {
      if (bytes.length === 0) return;
      tally.events += countEnds(before, bytes);
      before = bytes[bytes.length - 1];
      if (heldBytes === 0 && endsEvent(bytes)) {
        read(bytes);
        return;
      }
      heldBytes += bytes.length;
      tail = tail.length === 0 ? bytes : Buffer.concat([tail.subarray(-LONGEST_END), bytes.subarray(-LONGEST_END)]);
      if (heldBytes > LONGEST_READ && held.length > 0) {
        skipping = true;
        held = [];
        tally.trouble = 'answer not understood: too long';
      }
      if (!skipping) held.push(bytes);
      if (!endsEvent(tail)) return;
      read(release());
      skipping = false;
    },
    end() {
      read(release());
    },
  };
}

/** How many events end in the bytes: two line breaks in a row, of which those bytes count that touch each other. */
function countEnds(before: number | undefined, bytes: Buffer): number {
  const [first] = bytes;
  const across = (before === LF && (first === LF || first === CR)) || (before === CR && first === CR) ? 1 : 0;
  const lf = count(bytes, LF_LF);
  return across + lf + (bytes.includes(CR) ? count(bytes, LF_CR) + count(bytes, CR_CR) : 0);
}

function count(bytes: Buffer, pair: Buffer): number {
  let found = 0;
  for (let at = bytes.indexOf(pair); at !== -1; at = bytes.indexOf(pair, at + pair.length)) found += 1;
  return found;
}

/** True when the bytes end with two line breaks in a row. */
function endsEvent(bytes: Buffer): boolean {
  const before = beforeLineBreak(bytes, bytes.length);
  return before < bytes.length && beforeLineBreak(bytes, before) < before;
}

/** Offset of the line break that ends at `end`; `end` itself when there is none. */
function beforeLineBreak(bytes: Buffer, end: number): number {
  const byte = bytes[end - 1];
  if (byte === CR) return end - 1;
  if (byte !== LF) return end;
  return bytes[end - 2] === CR ? end - 2 : end - 1;
}

/** True when a member `usage` is there that is more than `null`, which some servers put into every event. */
function hasUsage(block: Buffer): boolean {
  for (let at = block.indexOf(USAGE); at !== -1; at = block.indexOf(USAGE, at)) {
    at += USAGE.length;
    while (block[at] === 0x20 || block[at] === 0x3a) at += 1;
    if (block[at] === 0x7b) return true;
  }
  return false;
}

function readEvents(tally: Tally, block: Buffer): void {
  const events = block
    .toString('utf8')
    .replaceAll(/\r\n?/g, '\n')
    .split(/\n{2,}/);
  for (const event of events) {
    if (tally.firstTokenSeen && !event.includes('"usage"') && !event.includes('"error"')) continue;
    const data = event
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice('data:'.length))
      .join('\n')
      .trim();
    if (data === '' || data === '[DONE]') continue;
    try {
      tellEvent(tally, JSON.parse(data));
    } catch {
      tally.trouble = 'answer not understood: not JSON';
    }
  }
}
