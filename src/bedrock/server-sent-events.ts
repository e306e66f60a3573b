import { ProxyError } from '../errors.ts';
import { type Framer, LONGEST_MESSAGE } from './framer.ts';
import type { EventDialect } from './operations.ts';

const LF = 0x0a;
const CR = 0x0d;

/** Longest end of an event: CR LF CR LF. */
const LONGEST_END = 4;

/** `text/event-stream`: events that end with an empty line; a line ends with LF, CR LF or CR (HTML, section 9.2.5). */
export function createEventFramer(dialect: EventDialect | undefined): Framer {
  let held: Buffer[] = [];
  let heldBytes = 0;
  /** The last bytes of what is held: an event's end may be cut in two. */
  let tail = Buffer.alloc(0);

  const release = (): Buffer[] => {
    const released = held;
    held = [];
    heldBytes = 0;
    tail = Buffer.alloc(0);
    return released;
  };
  const hold = (bytes: Buffer) => {
    if (bytes.length === 0) return;
    held.push(bytes);
    heldBytes += bytes.length;
    tail = Buffer.concat([tail, bytes.subarray(-LONGEST_END)]).subarray(1 - LONGEST_END);
  };

  return {
    push(chunk) {
      const boundary = lastEnd(chunk) || endAcross(tail, chunk);
      if (boundary === 0) {
        hold(chunk);
        return [];
      }
      const complete = [...release(), chunk.subarray(0, boundary)];
      hold(chunk.subarray(boundary));
      return complete;
    },
    get pending() {
      return heldBytes;
    },
    get damage() {
      if (heldBytes <= LONGEST_MESSAGE) return undefined;
      return new ProxyError('upstreamBroken', 'Bedrock sent an event without an end.');
    },
    // Clients discard an event without its empty line by themselves; the bytes stay what Bedrock sent.
    end: release,
    failure: (error) => Buffer.from(FAILURES[dialect ?? 'openai'](error)),
  };
}

/** Offset behind the last end of an event in `bytes`, or 0. */
function lastEnd(bytes: Buffer): number {
  for (let at = bytes.length - 1; at > 0; at -= 1) {
    if (endsEvent(bytes, at)) return at + 1;
  }
  return 0;
}

/** The same for an end that begins in the bytes before. */
function endAcross(tail: Buffer, chunk: Buffer): number {
  const joint = Buffer.concat([tail, chunk.subarray(0, LONGEST_END - 1)]);
  return Math.max(0, lastEnd(joint) - tail.length);
}

/** True when the line break that ends at `at` follows another one. */
function endsEvent(bytes: Buffer, at: number): boolean {
  const byte = bytes[at];
  // A CR may be the first half of CR LF; two of them in a row are an empty line either way.
  if (byte === CR) return bytes[at - 1] === CR || bytes[at - 1] === LF;
  if (byte !== LF) return false;
  const before = bytes[at - 1] === CR ? at - 2 : at - 1;
  return bytes[before] === LF || bytes[before] === CR;
}

/** What makes each family of clients raise an error instead of ending as if all were well. */
const FAILURES: Readonly<Record<EventDialect, (error: ProxyError) => string>> = {
  openai: ({ message, errorType }) =>
    `data: ${JSON.stringify({ error: { message, type: 'server_error', code: errorType } })}\n\n`,
  anthropic: ({ message }) =>
    `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type: 'api_error', message } })}\n\n`,
};
