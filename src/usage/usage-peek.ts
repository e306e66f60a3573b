import type { Tally } from './accumulator.ts';

/** Total length, length of the headers, CRC-32 of the eight bytes before. */
const PRELUDE = 12;

/** Offset in a message of the value of `:event-type`, when that is the first header. */
const EVENT_TYPE = PRELUDE + 1 + ':event-type'.length + 3;

/**
 * True unless the message that begins at `at` is surely one without usage, told by a few bytes where Bedrock puts them.
 * Notes the first token by the way.
 */
export function tellsUsage(bytes: Buffer, at: number, tally: Tally): boolean {
  // Length and first letters of the first header's name, type and length of its value.
  const isEventType =
    bytes[at + PRELUDE] === ':event-type'.length &&
    bytes[at + PRELUDE + 1] === 0x3a &&
    bytes[at + PRELUDE + 2] === 0x65 &&
    bytes[at + PRELUDE + 3] === 0x76;
  if (!isEventType || bytes[at + EVENT_TYPE - 3] !== 7 || bytes[at + EVENT_TYPE - 2] !== 0) return true;
  switch (bytes[at + EVENT_TYPE - 1]) {
    case 'metadata'.length:
      return true;
    case 'chunk'.length:
      return !tally.firstTokenSeen || beginsAnthropicMessage(bytes, at);
    case 'contentBlockDelta'.length:
      // The D tells it from contentBlockStart.
      tally.firstTokenSeen ||= bytes[at + EVENT_TYPE + 'contentBlock'.length] === 0x44;
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
