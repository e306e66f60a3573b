import { countEvents, endOfFirstEvent } from '../streams/server-sent-events.ts';
import { type Accumulator, addEvent, LONGEST_READ, type UsageReader } from './accumulator.ts';
import { USAGE_NAME } from './formats.ts';

/** A member's name, or the whole of a short string. */
const ERROR = Buffer.from('"error"');

/** What ends a stream in OpenAI's dialect, after an error too. */
const LONGEST_DONE = 'data: [DONE]\r\n\r\n'.length;

/**
 * Reads `text/event-stream` in the dialects of OpenAI and Anthropic. Only what has a member `usage` that is an object
 * is parsed, everything until the first token has been seen, what may end the message, and the end if it speaks of an error.
 */
export function createServerSentEventsReader(accumulator: Accumulator): UsageReader {
  /** The last events, unless they were read: only the end of the stream shows that they were the last. */
  let last: Buffer | undefined;

  const readBlock = (block: Buffer) => {
    accumulator.events += countEvents(block);
    if (!accumulator.firstTokenSeen || hasUsage(block) || mayEnd(accumulator, block)) {
      readEvents(accumulator, block);
      last = undefined;
    } else if (block.length > LONGEST_DONE) last = block;
  };

  return {
    read(pieces) {
      const [first, second] = pieces;
      if (first === undefined) return;
      if (second === undefined) {
        readBlock(first);
        return;
      }
      const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
      if (length <= LONGEST_READ) {
        readBlock(Buffer.concat(pieces, length));
        return;
      }
      // No event ends before the last piece: what is too long is one event, and others may follow it there.
      accumulator.trouble = 'answer not understood: too long';
      last = undefined;
      const rest = pieces.at(-1) ?? second;
      const byteBefore = pieces.at(-2)?.subarray(-1) ?? first;
      const end = endOfFirstEvent(Buffer.concat([byteBefore, rest])) - byteBefore.length;
      if (end <= 0) return;
      accumulator.events += 1;
      if (end < rest.length) readBlock(rest.subarray(end));
    },
    end() {
      if (last?.includes(ERROR) === true) readEvents(accumulator, last);
      last = undefined;
    },
  };
}

/** True when the type of an event is there that would end the message. */
function mayEnd({ awaitedEnd }: Accumulator, text: Buffer | string): boolean {
  return awaitedEnd?.some((type) => text.includes(`"${type}"`)) === true;
}

/** True when a member `usage` is there that is more than `null`, which some servers put into every event. */
function hasUsage(block: Buffer): boolean {
  for (let at = block.indexOf(USAGE_NAME); at !== -1; at = block.indexOf(USAGE_NAME, at)) {
    at += USAGE_NAME.length;
    while (block[at] === 0x20 || block[at] === 0x3a) at += 1;
    if (block[at] === 0x7b) return true;
  }
  return false;
}

function readEvents(accumulator: Accumulator, block: Buffer): void {
  const events = block
    .toString('utf8')
    .replaceAll(/\r\n?/g, '\n')
    .split(/\n{2,}/);
  for (const event of events) {
    const tells = event.includes('"usage"') || event.includes('"error"') || mayEnd(accumulator, event);
    if (accumulator.firstTokenSeen && !tells) continue;
    const data = event
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice('data:'.length))
      .join('\n')
      .trim();
    if (data === '' || data === '[DONE]') continue;
    try {
      addEvent(accumulator, JSON.parse(data));
    } catch {
      accumulator.trouble = 'answer not understood: not JSON';
    }
  }
}
