import { crc32 } from 'node:zlib';

import { type Accumulator, add } from './accumulator.ts';
import { EVENT_TYPE } from './event-stream-prefilter.ts';
import { createJsonTail, readJsonTail } from './json-tail.ts';

/** A message's checksum, behind everything else. */
const CHECKSUM = 4;

/** The end of a message that is too long to be kept, if it is one of those that tell usage, and whole. */
export function readLongMessage(accumulator: Accumulator, pieces: readonly Buffer[]): void {
  const head = beginning(pieces, EVENT_TYPE + 'metadata'.length);
  const name = head.toString('latin1', EVENT_TYPE, EVENT_TYPE + (head[EVENT_TYPE - 1] ?? 0));
  if (name !== 'metadata' && name !== 'chunk') return;
  const tail = createJsonTail();
  let left = pieces.reduce((sum, piece) => sum + piece.length, 0) - CHECKSUM;
  let checksum = 0;
  for (const piece of pieces) {
    checksum = crc32(piece.subarray(0, Math.max(0, left)), checksum);
    left -= piece.length;
    tail.push(piece);
  }
  const end = tail.bytes;
  if (end.readUInt32BE(end.length - CHECKSUM) !== checksum) {
    accumulator.trouble = 'answer not understood: damaged stream';
    return;
  }
  const payload = end.subarray(0, -CHECKSUM);
  if (name === 'metadata') add(accumulator, readJsonTail(payload), true);
  else add(accumulator, readJsonTail(endOfBase64(payload)));
}

/** The first bytes of what is in pieces. */
function beginning(pieces: readonly Buffer[], length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let at = 0;
  for (const piece of pieces) {
    if (at === length) break;
    at += piece.copy(bytes, at);
  }
  return bytes;
}

/** What the bytes of a `chunk` end with: `…Base64"}`, perhaps with padding behind it. */
function endOfBase64(payload: Buffer): Buffer {
  const text = payload.toString('latin1');
  const behind = /"(?:,"p":"\w*")?\}$/.exec(text)?.index ?? 0;
  const base64 = text.slice(text.lastIndexOf('"', behind - 1) + 1, behind);
  // Its length is a multiple of four, so its end can be decoded by itself.
  return Buffer.from(base64.slice(base64.length % 4), 'base64');
}
