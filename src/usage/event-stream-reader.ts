import { errorName } from '../aws/error-type.ts';
import { member } from '../json/member.ts';
import { codec, PRELUDE } from '../streams/event-stream.ts';
import { type Accumulator, add, addEvent, LONGEST_READ, noteEnds, type UsageReader } from './accumulator.ts';

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
  const passOver = () => {
    accumulator.trouble = 'answer not understood: too long';
    accumulator.events += 1;
    last = undefined;
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
      if (end - at > LONGEST_READ) accumulator.trouble = 'answer not understood: too long';
      else if (isTelling(bytes, at, accumulator)) readOne(bytes.subarray(at, end));
      else lastAt = at;
      at = end;
    }
    if (lastAt !== -1) last = bytes.subarray(lastAt);
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
      else passOver();
      walk(rest.subarray(missing));
    },
    end() {
      if (last !== undefined) readOne(last);
      last = undefined;
    },
  };
}

/** Offset in a message of the value of `:event-type`, when that is the first header. */
const EVENT_TYPE = PRELUDE + 1 + ':event-type'.length + 3;

/**
 * True unless the message that begins at `at` surely has no usage, and neither begins nor ends the answer, told by a few
 * bytes where Bedrock puts them. Notes the first token by the way.
 */
function isTelling(bytes: Buffer, at: number, accumulator: Accumulator): boolean {
  // Length and first letters of the first header's name, type and length of its value.
  const isEventType =
    bytes[at + PRELUDE] === ':event-type'.length &&
    bytes[at + PRELUDE + 1] === 0x3a &&
    bytes[at + PRELUDE + 2] === 0x65 &&
    bytes[at + PRELUDE + 3] === 0x76;
  if (!isEventType || bytes[at + EVENT_TYPE - 3] !== 7 || bytes[at + EVENT_TYPE - 2] !== 0) return true;
  switch (bytes[at + EVENT_TYPE - 1]) {
    case 'metadata'.length:
    case 'messageStart'.length:
    case 'messageStop'.length:
      return true;
    case 'chunk'.length:
      return !accumulator.firstTokenSeen || beginsAnthropicMessage(bytes, at);
    case 'contentBlockDelta'.length:
      // The D tells it from contentBlockStart.
      accumulator.firstTokenSeen ||= bytes[at + EVENT_TYPE + 'contentBlock'.length] === 0x44;
      return false;
    default:
      return false;
  }
}

/** True for a payload `{"bytes":"…` whose Base64 begins with that of `{"type":"m`: message_start, message_delta. */
function beginsAnthropicMessage(bytes: Buffer, at: number): boolean {
  const base64 = at + PRELUDE + bytes.readUInt32BE(at + 4) + '{"bytes":"'.length;
  return (
    bytes[base64] === 0x65 && // e
    bytes[base64 + 4] === 0x65 && // eyJ0e
    bytes[base64 + 8] === 0x49 && // eyJ0eXBlI
    bytes[base64 + 12] === 0x62 // eyJ0eXBlIjoib, where a content block has a Y
  );
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
  if (type !== 'metadata' && type !== 'chunk') return;
  const payload: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
  if (type === 'metadata') return add(accumulator, payload);
  const bytes = member(payload, 'bytes');
  if (typeof bytes === 'string') addEvent(accumulator, JSON.parse(Buffer.from(bytes, 'base64').toString('utf8')));
}

/** In a stream the names of exceptions begin with a small letter, everywhere else with a capital one. */
function exceptionName(value: unknown): string | undefined {
  const name = errorName(String(value));
  return name === undefined ? undefined : name.charAt(0).toUpperCase() + name.slice(1);
}
