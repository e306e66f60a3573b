import { crc32 } from 'node:zlib';

const PRELUDE_BYTES = 8;
const CHECKSUM_BYTES = 4;
/** Header value type of a UTF-8 string. */
const STRING = 7;

/**
 * One message of `application/vnd.amazon.eventstream` with string headers: total length, header length, CRC-32 of those
 * two, headers, payload, CRC-32 of everything before it; numbers are big endian (Smithy specification, "Amazon Event
 * Stream Specification").
 */
export function encodeFrame(headers: Readonly<Record<string, string>>, payload: Uint8Array | string): Buffer {
  const headerBytes = Buffer.concat(Object.entries(headers).map(([name, value]) => encodeHeader(name, value)));
  const payloadBytes = Buffer.from(payload);
  const frame = Buffer.alloc(
    PRELUDE_BYTES + CHECKSUM_BYTES + headerBytes.length + payloadBytes.length + CHECKSUM_BYTES,
  );
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(headerBytes.length, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, PRELUDE_BYTES)), PRELUDE_BYTES);
  headerBytes.copy(frame, PRELUDE_BYTES + CHECKSUM_BYTES);
  payloadBytes.copy(frame, PRELUDE_BYTES + CHECKSUM_BYTES + headerBytes.length);
  const end = frame.length - CHECKSUM_BYTES;
  frame.writeUInt32BE(crc32(frame.subarray(0, end)), end);
  return frame;
}

/** An event with a JSON payload, as every Bedrock operation sends them. */
export function encodeEvent(eventType: string, payload: unknown): Buffer {
  return encodeFrame(
    { ':event-type': eventType, ':content-type': 'application/json', ':message-type': 'event' },
    JSON.stringify(payload),
  );
}

/** A modelled exception inside a stream; `exceptionType` is the union member, for instance `throttlingException`. */
export function encodeException(exceptionType: string, message: string): Buffer {
  return encodeFrame(
    { ':exception-type': exceptionType, ':content-type': 'application/json', ':message-type': 'exception' },
    JSON.stringify({ message }),
  );
}

function encodeHeader(name: string, value: string): Buffer {
  const nameBytes = Buffer.from(name);
  const valueBytes = Buffer.from(value);
  const head = Buffer.from([nameBytes.length]);
  const kind = Buffer.from([STRING, valueBytes.length >> 8, valueBytes.length & 0xff]);
  return Buffer.concat([head, nameBytes, kind, valueBytes]);
}
