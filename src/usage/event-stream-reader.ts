import { EventStreamCodec } from '@smithy/core/event-streams';

import { errorName } from '../aws/error-type.ts';
import { LONGEST_MESSAGE } from '../streams/framer.ts';
import { member } from './formats.ts';
import { tellsUsage } from './usage-peek.ts';
import { LONGEST_READ, type Tally, tell, tellEvent, type UsageReader } from './accumulator.ts';

/** Lengths of the first number of a message, and of a message without headers and payload. */
const TOTAL_LENGTH = 4;
const SHORTEST_MESSAGE = 16;

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
);

/**
 * Reads `application/vnd.amazon.eventstream`. Decoding a message costs microseconds, and only two or three of a stream
 * tell usage: a look at a few bytes, where Bedrock puts them, sorts out most of the others. A message that looks unlike
 * what Bedrock writes is decoded.
 */
export function createMessageReader(tally: Tally): UsageReader {
  /** The message that has begun and is not complete. */
  let held: Buffer[] = [];
  let heldBytes = 0;
  let needed = 0;
  /** Bytes still to come of a message that is too long to be read. */
  let skipped = 0;
  let damaged = false;
  /** The last complete message, unless it was read: only the end of the stream shows that it was the last. */
  let last: Buffer | undefined;

  const read = (message: Buffer) => {
    try {
      readMessage(tally, message);
    } catch {
      tally.trouble = 'answer not understood: damaged stream';
    }
  };
  /** Notes the length of the next message; false when there can be none. */
  const begin = (length: number): boolean => {
    needed = length;
    damaged = length < SHORTEST_MESSAGE || length > LONGEST_MESSAGE;
    if (damaged) tally.trouble = 'answer not understood: damaged stream';
    return !damaged;
  };
  /** Keeps a message's next bytes and reads it when they were the last. Returns how many. */
  const keep = (bytes: Buffer): number => {
    const piece = bytes.subarray(0, needed - heldBytes);
    held.push(piece);
    heldBytes += piece.length;
    if (heldBytes < needed) return piece.length;
    const whole = Buffer.concat(held);
    if (needed === TOTAL_LENGTH) {
      held = [whole];
      if (begin(whole.readUInt32BE(0)) && needed > LONGEST_READ) skip();
      return piece.length;
    }
    held = [];
    heldBytes = 0;
    last = undefined;
    tally.events += 1;
    if (tellsUsage(whole, 0, tally)) read(whole);
    else last = whole;
    return piece.length;
  };
  const skip = () => {
    tally.trouble = 'answer not understood: too long';
    skipped = needed - heldBytes;
    held = [];
    heldBytes = 0;
  };

  return {
    write(bytes) {
      let at = 0;
      let lastAt = -1;
      while (at < bytes.length) {
        if (damaged) return;
        const left = bytes.length - at;
        if (skipped > 0) {
          const step = Math.min(skipped, left);
          skipped -= step;
          at += step;
          if (skipped === 0) tally.events += 1;
        } else if (heldBytes > 0) {
          at += keep(bytes.subarray(at));
        } else if (left < TOTAL_LENGTH) {
          needed = TOTAL_LENGTH;
          at += keep(bytes.subarray(at));
        } else if (begin(bytes.readUInt32BE(at))) {
          if (needed > LONGEST_READ) skip();
          else if (needed > left) at += keep(bytes.subarray(at));
          else {
            lastAt = tellsUsage(bytes, at, tally) ? -1 : at;
            last = undefined;
            tally.events += 1;
            if (lastAt === -1) read(bytes.subarray(at, at + needed));
            at += needed;
          }
        }
      }
      if (lastAt !== -1) last = bytes.subarray(lastAt, lastAt + bytes.readUInt32BE(lastAt));
    },
    end() {
      if (last !== undefined) read(last);
      last = undefined;
    },
  };
}

function readMessage(tally: Tally, message: Buffer): void {
  const { headers, body } = codec.decode(message);
  if (headers[':message-type']?.value !== 'event') {
    tally.failed = true;
    tally.errorType = exceptionName(headers[':exception-type']?.value ?? headers[':error-code']?.value ?? '');
    return;
  }
  const type = headers[':event-type']?.value;
  tally.firstTokenSeen ||= type === 'contentBlockDelta';
  if (type !== 'metadata' && type !== 'chunk') return;
  const payload: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
  if (type === 'metadata') return tell(tally, payload);
  const bytes = member(payload, 'bytes');
  if (typeof bytes === 'string') tellEvent(tally, JSON.parse(Buffer.from(bytes, 'base64').toString('utf8')));
}

/** In a stream the names of exceptions begin with a small letter, everywhere else with a capital one. */
function exceptionName(value: unknown): string | undefined {
  const name = errorName(String(value));
  return name === undefined ? undefined : name.charAt(0).toUpperCase() + name.slice(1);
}
