import { errorName } from '../aws/error-type.ts';
import { member } from '../json/member.ts';
import { codec, PRELUDE } from '../streams/event-stream.ts';
import { type Accumulator, add, addEvent, LONGEST_READ, noteEnds, type UsageReader } from './accumulator.ts';
import { mayTell } from './event-stream-prefilter.ts';
import { readLongMessage } from './long-message.ts';

/**
 * Reads `application/vnd.amazon.eventstream`. Decoding a message costs microseconds, and only two or three of a stream
 * tell usage: a look at a few bytes, where Bedrock puts them, sorts out most of the others. A message that looks unlike
 * what Bedrock writes is decoded.
 */
export function createEventStreamReader(accumulator: Accumulator): UsageReader {
  /** The last message, unless it was read: only the end of the stream shows that it was the last. */
  let last: Buffer | undefined;

  const readOne = (message: Buffer) => {
    try {
      readMessage(accumulator, message);
    } catch {
      accumulator.trouble = 'answer not understood: damaged stream';
    }
  };
  /** A message that is not kept, in its pieces: what it ends with may still tell usage. */
  const readEnd = (pieces: readonly Buffer[]) => {
    accumulator.trouble = 'answer not understood: too long';
    readLongMessage(accumulator, pieces);
  };
  /** Reads whole messages that stand one behind the other. */
  const walk = (bytes: Buffer) => {
    let lastAt = -1;
    let at = 0;
    while (at + PRELUDE <= bytes.length) {
      // The framer has checked the length; whatever it were, this must come to an end.
      const end = at + Math.max(PRELUDE, bytes.readUInt32BE(at));
      accumulator.events += 1;
      last = undefined;
      lastAt = -1;
      if (end - at > LONGEST_READ) readEnd([bytes.subarray(at, end)]);
      else if (mayTell(bytes, at, accumulator)) readOne(bytes.subarray(at, end));
      else lastAt = at;
      at = end;
    }
    if (lastAt !== -1) last = lastAt === 0 ? bytes : bytes.subarray(lastAt);
  };

  return {
    read(pieces) {
      const [first, second] = pieces;
      if (first === undefined) return;
      if (second === undefined) {
        walk(first);
        return;
      }
      // Only a message that came in pieces begins before the last one, and a piece with its prelude begins it.
      const begun = pieces.slice(0, -1);
      const rest = pieces.at(-1) ?? second;
      const length = first.readUInt32BE(0);
      const missing = begun.reduce((left, piece) => left - piece.length, length);
      if (length <= LONGEST_READ) walk(Buffer.concat([...begun, rest.subarray(0, missing)], length));
      else {
        accumulator.events += 1;
        last = undefined;
        readEnd([...begun, rest.subarray(0, missing)]);
      }
      walk(rest.subarray(missing));
    },
    end() {
      if (last !== undefined) readOne(last);
      last = undefined;
    },
  };
}

function readMessage(accumulator: Accumulator, message: Buffer): void {
  const { headers, body } = codec.decode(message);
  if (headers[':message-type']?.value !== 'event') {
    accumulator.failed = true;
    accumulator.errorType = exceptionName(headers[':exception-type']?.value ?? headers[':error-code']?.value ?? '');
    return;
  }
  const type = headers[':event-type']?.value;
  accumulator.firstTokenSeen ||= type === 'contentBlockDelta';
  noteEnds(accumulator, type);
  if (type !== 'metadata' && type !== 'messageStop' && type !== 'chunk') return;
  const payload: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
  if (type !== 'chunk') return add(accumulator, payload, true);
  const bytes = member(payload, 'bytes');
  if (typeof bytes === 'string') addEvent(accumulator, JSON.parse(Buffer.from(bytes, 'base64').toString('utf8')));
}

/** In a stream the names of exceptions begin with a small letter, everywhere else with a capital one. */
function exceptionName(value: unknown): string | undefined {
  const name = errorName(String(value));
  return name === undefined ? undefined : name.charAt(0).toUpperCase() + name.slice(1);
}
