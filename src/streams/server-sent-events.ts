import { ProxyError } from '../errors.ts';
import { type EventDialect, failureEvent, lastSequenceNumber } from './failure-event.ts';
import { createHeldBytes, type Framer, LONGEST_MESSAGE } from './framer.ts';

const LF = 0x0a;
const CR = 0x0d;

/** Two line breaks as bytes; of CR LF only the byte that touches the other break matters. */
const LINE_BREAK_PAIRS = [Buffer.from([LF, LF]), Buffer.from([LF, CR]), Buffer.from([CR, CR])];

/** What ends an event. */
const END = /(?:\r\n|\n|\r(?!\n)){2}/g;

/** Longest end of an event, in bytes: CR LF CR LF. */
const LONGEST_END = 4;

/**
 * `text/event-stream`: events that end with an empty line; a line ends with LF, CR LF or CR (HTML, section 9.2.5).
 *
 * @param dialect default: that of chat completions, whose failures look whole to no client
 */
export function createEventFramer(dialect: EventDialect = 'openai'): Framer {
  const held = createHeldBytes();
  /** The last bytes of what is held: an event's end may be cut in two. */
  let tail: Buffer = Buffer.alloc(0);
  /** Of the next event, where events are numbered. */
  let sequenceNumber = 0;

  return {
    push(chunk) {
      const boundary = lastEnd(chunk) || endAcross(tail, chunk);
      const kept = chunk.subarray(Math.max(boundary, chunk.length + 1 - LONGEST_END));
      tail = boundary === 0 ? Buffer.concat([tail, kept]).subarray(1 - LONGEST_END) : kept;
      const events = held.cut(chunk, boundary);
      if (dialect === 'responses' && boundary > 0)
        sequenceNumber = 1 + (lastSequenceNumber(events) ?? sequenceNumber - 1);
      return events;
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
    failure: (error) => failureEvent(dialect, error, sequenceNumber),
  };
}

/** The events in these bytes, each with its end, as parts of them; what has no end comes last. Linear in the bytes. */
export function eventsIn(bytes: Buffer): Buffer[] {
  const events: Buffer[] = [];
  let start = 0;
  for (const { index, 0: found } of bytes.toString('latin1').matchAll(END)) {
    const end = index + found.length;
    events.push(bytes.subarray(start, end));
    start = end;
  }
  if (start < bytes.length) events.push(bytes.subarray(start));
  return events;
}

/** What an event carries: its lines `data`, each without one space in front (HTML, section 9.2.6); empty without any. */
export function dataOf(event: string): string {
  const lines: string[] = [];
  for (const line of event.split(/\r\n?|\n/)) {
    if (line.startsWith('data:')) lines.push(line.slice(line[5] === ' ' ? 6 : 5));
    else if (line === 'data') lines.push('');
  }
  return lines.join('\n');
}

/** The number of events that end in these bytes, which are whole events. */
export function countEvents(bytes: Buffer): number {
  let found = 0;
  for (const pair of LINE_BREAK_PAIRS) {
    for (let at = bytes.indexOf(pair); at !== -1; found += 1) {
      at = at + pair.length === bytes.length ? -1 : bytes.indexOf(pair, at + pair.length);
    }
  }
  return found;
}

/** Offset behind the first end of an event in `bytes`, or 0. */
export function endOfFirstEvent(bytes: Buffer): number {
  let first = 0;
  for (const pair of LINE_BREAK_PAIRS) {
    const at = bytes.indexOf(pair);
    const end = at === -1 ? 0 : behind(bytes, at, pair);
    if (end > 0 && (first === 0 || end < first)) first = end;
  }
  return first;
}

/** Offset behind the last end of an event in `bytes`, or 0: two line breaks in a row, the second perhaps CR LF. */
function lastEnd(bytes: Buffer): number {
  let last = 0;
  for (const pair of LINE_BREAK_PAIRS) {
    const at = bytes.lastIndexOf(pair);
    if (at >= 0) last = Math.max(last, behind(bytes, at, pair));
  }
  return last;
}

function behind(bytes: Buffer, at: number, pair: Buffer): number {
  const end = at + pair.length;
  return pair[1] === CR && bytes[end] === LF ? end + 1 : end;
}

/** The same for an end that begins in the bytes before. */
function endAcross(tail: Buffer, chunk: Buffer): number {
  const joint = Buffer.concat([tail, chunk.subarray(0, LONGEST_END - 1)]);
  return Math.max(0, lastEnd(joint) - tail.length);
}
