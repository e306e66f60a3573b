import { crc32 } from 'node:zlib';

import { EventStreamCodec } from '@smithy/core/event-streams';

import { ProxyError } from '../errors.ts';
import { createHeldBytes, type Framer, LONGEST_MESSAGE } from './framer.ts';

/** Total length, length of the headers, CRC-32 of the eight bytes before. */
export const PRELUDE = 12;

/** A message without headers and payload: prelude and message CRC. */
const SHORTEST_MESSAGE = 16;

/** Encodes and decodes single messages, as the AWS SDKs do. */
export const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
);

/** Exceptions that AWS's API models have for streams that something behind the service has ended. */
export type StreamException = 'modelStreamErrorException' | 'badGatewayException';

/**
 * `application/vnd.amazon.eventstream`: length-prefixed messages, big endian.
 *
 * @param exception by which the client is told of a failure: one that its model of the operation has. Clients lose the text
 *   of another, and some fail on `:message-type: error`
 */
export function createEventStreamFramer(exception: StreamException = 'modelStreamErrorException'): Framer {
  const held = createHeldBytes();
  /** Bytes that the message under way still lacks; 0 between messages and inside a prelude. */
  let missing = 0;
  let damage: ProxyError | undefined;

  return {
    push(next) {
      // A prelude in pieces is joined; it happens once per cut at most.
      const chunk = missing === 0 && held.length > 0 ? Buffer.concat([...held.release(), next]) : next;
      let end = 0;
      let boundary = 0;
      while (end < chunk.length) {
        if (missing === 0) {
          if (chunk.length - end < PRELUDE) break;
          missing = messageLength(chunk, end);
          if (missing === 0) {
            damage = new ProxyError('upstreamBroken', 'Bedrock sent a damaged event stream.');
            break;
          }
        }
        const step = Math.min(missing, chunk.length - end);
        missing -= step;
        end += step;
        if (missing === 0) boundary = end;
      }
      return held.cut(chunk, boundary);
    },
    get pending() {
      return held.length;
    },
    get damage() {
      return damage;
    },
    end() {
      if (held.length > 0)
        throw new ProxyError('upstreamBroken', 'Bedrock ended the stream in the middle of a message.');
      return [];
    },
    // Every stream models the first of the two.
    failure(error) {
      const type = error.failure === 'internal' ? 'internalServerException' : exception;
      return { message: exceptionMessage(type, error.message), breaks: false };
    },
  };
}

/** Length of the message whose prelude stands at `at`, or 0 when it cannot be one. */
function messageLength(bytes: Buffer, at: number): number {
  const total = bytes.readUInt32BE(at);
  const headers = bytes.readUInt32BE(at + 4);
  const checksum = bytes.readUInt32BE(at + 8);
  const plausible = total >= SHORTEST_MESSAGE && total <= LONGEST_MESSAGE && headers <= total - SHORTEST_MESSAGE;
  return plausible && checksum === crc32(bytes.subarray(at, at + 8)) ? total : 0;
}

/** A message that every AWS SDK turns into the exception of that name. */
export function exceptionMessage(type: string, message: string): Buffer {
  const encoded = codec.encode({
    headers: {
      ':exception-type': { type: 'string', value: type },
      ':content-type': { type: 'string', value: 'application/json' },
      ':message-type': { type: 'string', value: 'exception' },
    },
    body: Buffer.from(JSON.stringify({ message })),
  });
  return Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
}
