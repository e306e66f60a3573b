import { createEndCounter } from '../streams/event-ends.ts';
import { CR, LF, LONGEST_END } from '../streams/line-breaks.ts';
import { LONGEST_READ, type Tally, tellEvent, type UsageReader } from './accumulator.ts';

/** In a string of JSON the quotes would be escaped, so this is always a member's name. */
const USAGE = Buffer.from('"usage"');

/** A member's name, or the whole of a short string. */
const ERROR = Buffer.from('"error"');

const NOTHING = Buffer.alloc(0);

/** What ends a stream in OpenAI's dialect, after an error too. */
const LONGEST_DONE = 'data: [DONE]\r\n\r\n'.length;

/**
 * Reads `text/event-stream` in the dialects of OpenAI and Anthropic. Only what has a member `usage` that is an object
 * is parsed, everything until the first token has been seen, and the end if it speaks of an error.
 */
export function createEventReader(tally: Tally): UsageReader {
  let held: Buffer[] = [];
  let heldBytes = 0;
  /** The last bytes so far: an event's end may be cut in two. */
  let tail: Buffer = NOTHING;
  /** Inside an event that is too long to be read. */
  let skipping = false;
  /** The last events, unless they were read: only the end of the stream shows that they were the last. */
  let last: Buffer | undefined;
  const countEnds = createEndCounter();

  const release = (): Buffer | undefined => {
    const block = held.length === 1 ? held[0] : Buffer.concat(held);
    held = [];
    heldBytes = 0;
    tail = NOTHING;
    return skipping ? undefined : block;
  };
  const read = (block: Buffer | undefined) => {
    if (block === undefined) return;
    if (!tally.firstTokenSeen || hasUsage(block)) {
      readEvents(tally, block);
      last = undefined;
    } else if (block.length > LONGEST_DONE) last = block;
  };

  return {
    write(bytes) {
      if (bytes.length === 0) return;
      tally.events += countEnds(bytes);
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
      if (last?.includes(ERROR) === true) readEvents(tally, last);
      last = undefined;
    },
  };
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
