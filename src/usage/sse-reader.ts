import { countEvents, dataOf, endOfFirstEvent, eventsIn } from '../streams/server-sent-events.ts';
import { type Accumulator, add, addEvent, LONGEST_READ, type UsageReader } from './accumulator.ts';
import { USAGE_NAME } from './formats.ts';
import { createJsonTail, readJsonTail } from './json-tail.ts';

/** A member's name, or the whole of a short string. */
const ERROR = Buffer.from('"error"');

/** Of chat completions: `null` until the last event with text, which need not be the one with the usage. */
const FINISH_NAME = Buffer.from('"finish_reason"');

const OPEN_BRACE = 0x7b;
const QUOTE = 0x22;

/** What the last events may tell, beside usage. */
const TOLD_LAST = [ERROR, Buffer.from('"amazon-bedrock-guardrailAction"')];

/** What ends a stream in OpenAI's dialect, after an error too. */
const LONGEST_DONE = 'data: [DONE]\r\n\r\n'.length;

/**
 * Reads `text/event-stream` in the dialects of OpenAI and Anthropic. Only what tells usage or why the model stopped is
 * parsed, everything until the first token has been seen, what may end the message, and the end if it speaks of an error.
 */
export function createServerSentEventsReader(accumulator: Accumulator): UsageReader {
  /** The last events, unless they were read: only the end of the stream shows that they were the last. */
  let last: Buffer | undefined;

  const readBlock = (block: Buffer) => {
    accumulator.events += countEvents(block);
    if (
      !accumulator.firstTokenSeen ||
      has(block, USAGE_NAME, OPEN_BRACE) ||
      has(block, FINISH_NAME, QUOTE) ||
      mayEnd(accumulator, block)
    ) {
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
      readEnd(accumulator, [...pieces.slice(0, -1), rest.subarray(0, end)]);
      if (end < rest.length) readBlock(rest.subarray(end));
    },
    end() {
      const end = last;
      if (end !== undefined && TOLD_LAST.some((name) => end.includes(name))) readEvents(accumulator, end);
      last = undefined;
    },
  };
}

/** True when the type of an event is there that would end the message. */
function mayEnd({ awaitedEnd }: Accumulator, text: Buffer | string): boolean {
  return awaitedEnd?.some((type) => text.includes(`"${type}"`)) === true;
}

/** True when a member of this name is there whose value begins so: more than `null`, which stands in every event. */
function has(block: Buffer, name: Buffer, beginning: number): boolean {
  for (let at = block.indexOf(name); at !== -1; at = block.indexOf(name, at)) {
    at += name.length;
    while (block[at] === 0x20 || block[at] === 0x3a) at += 1;
    if (block[at] === beginning) return true;
  }
  return false;
}

/** What an event that is too long to be kept ends with: a whole response has its usage there. */
function readEnd(accumulator: Accumulator, pieces: readonly Buffer[]): void {
  const tail = createJsonTail();
  for (const piece of pieces) tail.push(piece);
  const { bytes } = tail;
  const event = readJsonTail(bytes) ?? readJsonTail(bytes, '{"response":{');
  if (event !== undefined) add(accumulator, event);
}

function readEvents(accumulator: Accumulator, block: Buffer): void {
  for (const bytes of eventsIn(block)) {
    const event = bytes.toString();
    const tells = /"(?:usage|error|finish_reason|amazon-bedrock-\w+)"/.test(event) || mayEnd(accumulator, event);
    if (accumulator.firstTokenSeen && !tells) continue;
    const data = dataOf(event).trim();
    if (data === '' || data === '[DONE]') continue;
    try {
      addEvent(accumulator, JSON.parse(data));
    } catch {
      accumulator.trouble = 'answer not understood: not JSON';
    }
  }
}
