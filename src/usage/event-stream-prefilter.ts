import { PRELUDE } from '../streams/event-stream.ts';
import type { Accumulator } from './accumulator.ts';

/** Offset in a message of the value of `:event-type`, when that is the first header. */
export const EVENT_TYPE = PRELUDE + 1 + ':event-type'.length + 3;

/**
 * False only where the message that begins at `at` surely has no usage, and neither begins nor ends the answer, told by a
 * few bytes where Bedrock puts them. Notes the first token by the way.
 */
export function mayTell(bytes: Buffer, at: number, accumulator: Accumulator): boolean {
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
      return !accumulator.firstTokenSeen || beginsMessage(bytes, at);
    case 'contentBlockDelta'.length:
      // The D tells it from contentBlockStart.
      accumulator.firstTokenSeen ||= bytes[at + EVENT_TYPE + 'contentBlock'.length] === 0x44;
      return false;
    default:
      return false;
  }
}

/**
 * True for a payload `{"bytes":"…` whose Base64 begins with that of `{"type":"m`, which is Anthropic's message_start and
 * message_delta, or of `{"m`, which is Nova's messageStop and metadata.
 */
function beginsMessage(bytes: Buffer, at: number): boolean {
  const base64 = at + PRELUDE + bytes.readUInt32BE(at + 4) + '{"bytes":"'.length;
  // eyJt, where a content block of Nova's has a j
  if (bytes[base64] === 0x65 && bytes[base64 + 3] === 0x74) return true;
  return (
    bytes[base64] === 0x65 && // e
    bytes[base64 + 4] === 0x65 && // eyJ0e
    bytes[base64 + 8] === 0x49 && // eyJ0eXBlI
    bytes[base64 + 12] === 0x62 // eyJ0eXBlIjoib, where a content block has a Y
  );
}
