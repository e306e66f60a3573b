import { ProxyError } from '../errors.ts';
import { createHeldBytes, type Framer, LONGEST_MESSAGE } from './framer.ts';
import { CR, CR_CR, LF, LF_CR, LF_LF, LONGEST_END } from './line-breaks.ts';
import type { EventDialect } from '../bedrock/runtime.ts';

const LINE_BREAK_PAIRS = [LF_LF, LF_CR, CR_CR];

/** `text/event-stream`: events that end with an empty line; a line ends with LF, CR LF or CR (HTML, section 9.2.5). */
export function createEventFramer(dialect: EventDialect | undefined): Framer {
  const held = createHeldBytes();
  /** The last bytes of what is held: an event's end may be cut in two. */
  let tail: Buffer = Buffer.alloc(0);

  return {
    push(chunk) {
      const boundary = lastEnd(chunk) || endAcross(tail, chunk);
      const kept = chunk.subarray(Math.max(boundary, chunk.length + 1 - LONGEST_END));
      tail = boundary === 0 ? Buffer.concat([tail, kept]).subarray(1 - LONGEST_END) : kept;
      return held.cut(chunk, boundary);
    },
    get pending() {
      return held.length;
    },
    get damage() {
      if (held.length <= LONGEST_MESSAGE) return undefined;
      return new ProxyError('upstreamBroken', 'Bedrock sent an event without an end.');
    },
    // Clients discard an event without its empty line by themselves; the bytes stay what Bedrock sent.
    end: held.release,
    failure: (error) => Buffer.from(FAILURES[dialect ?? 'openai'](error)),
  };
}

/** Offset behind the last end of an event in `bytes`, or 0: two line breaks in a row, the second perhaps CR LF. */
function lastEnd(bytes: Buffer): number {
  let last = 0;
  for (const pair of LINE_BREAK_PAIRS) {
    const at = bytes.lastIndexOf(pair);
    if (at < 0) continue;
    const end = at + pair.length;
    last = Math.max(last, pair[1] === CR && bytes[end] === LF ? end + 1 : end);
  }
  return last;
}

/** The same for an end that begins in the bytes before. */
function endAcross(tail: Buffer, chunk: Buffer): number {
  const joint = Buffer.concat([tail, chunk.subarray(0, LONGEST_END - 1)]);
  return Math.max(0, lastEnd(joint) - tail.length);
}

/** What makes each family of clients raise an error instead of ending as if all were well. */
const FAILURES: Readonly<Record<EventDialect, (error: ProxyError) => string>> = {
  openai: ({ message, errorType }) =>
    `data: ${JSON.stringify({ error: { message, type: 'server_error', code: errorType } })}\n\n`,
  anthropic: ({ message }) =>
    `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type: 'api_error', message } })}\n\n`,
};
