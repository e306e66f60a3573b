import { crc32 } from 'node:zlib';

import { EventStreamCodec } from '@smithy/core/event-streams';
import { describe, expect, it } from 'vitest';

import { createEventStreamFramer, exceptionMessage } from '../../../src/streams/event-stream.ts';
import type { Framer } from '../../../src/streams/framer.ts';
import { ProxyError } from '../../../src/errors.ts';
import { cut } from '../../support/usage-feed.ts';

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

function event(type: string, payload: string): Buffer {
  const headers = {
    ':event-type': { type: 'string', value: type },
    ':content-type': { type: 'string', value: 'application/json' },
    ':message-type': { type: 'string', value: 'event' },
  } as const;
  return Buffer.from(codec.encode({ headers, body: Buffer.from(payload) }));
}

const SHORTEST = Buffer.from(codec.encode({ headers: {}, body: new Uint8Array() }));
const MESSAGES = [
  event('messageStart', '{"role":"assistant"}'),
  SHORTEST,
  event('contentBlockDelta', '{"delta":{"text":"日本 🚀"}}'),
  SHORTEST,
  SHORTEST,
  event('metadata', JSON.stringify({ p: 'x'.repeat(100) })),
];
const STREAM = Buffer.concat(MESSAGES);

/** Offsets at which a message ends. */
const ENDS = MESSAGES.map((_, index) => Buffer.concat(MESSAGES.slice(0, index + 1)).length);

/** Feeds the pieces and checks after each that every whole message has come out, and nothing else. */
function feed(framer: Framer, pieces: readonly Buffer[]): Buffer {
  let fed = 0;
  const out: Buffer[] = [];
  let length = 0;
  for (const piece of pieces) {
    fed += piece.length;
    for (const bytes of framer.push(piece)) {
      out.push(bytes);
      length += bytes.length;
    }
    const expected = Math.max(0, ...ENDS.filter((end) => end <= fed));
    if (length !== expected || framer.pending !== fed - length || framer.damage !== undefined) {
      throw new Error(`after ${fed} bytes: ${length} out instead of ${expected}, ${framer.pending} pending`);
    }
  }
  return Buffer.concat(out);
}

/** A prelude with a checksum that is right. */
function prelude(total: number, headers: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(total, 0);
  bytes.writeUInt32BE(headers, 4);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
  return bytes;
}

describe('whole messages come out, however the stream is cut', () => {
  it('in two, at every offset', () => {
    for (let at = 0; at <= STREAM.length; at += 1) {
      const framer = createEventStreamFramer();
      expect(feed(framer, [STREAM.subarray(0, at), STREAM.subarray(at)]).equals(STREAM)).toBe(true);
      expect(framer.end()).toStrictEqual([]);
    }
  });

  it.each(Array.from({ length: 17 }, (_, index) => index + 1))('in pieces of %i', (size) => {
    const framer = createEventStreamFramer();
    expect(feed(framer, cut(STREAM, size)).equals(STREAM)).toBe(true);
    expect(framer.end()).toStrictEqual([]);
  });

  it('empty chunks between', () => {
    const empty = Buffer.alloc(0);
    const parts = cut(STREAM, 7).flatMap((piece) => [empty, piece, empty]);
    expect(feed(createEventStreamFramer(), parts).equals(STREAM)).toBe(true);
  });

  it('the longest message there can be', () => {
    const total = 24 * 1024 * 1024;
    const framer = createEventStreamFramer();
    const start = prelude(total, 0);
    expect(framer.push(Buffer.concat([start, Buffer.alloc(total - start.length - 1)]))).toStrictEqual([]);
    expect(framer.damage).toBeUndefined();
    expect(framer.pending).toBe(total - 1);
    expect(Buffer.concat(framer.push(Buffer.alloc(1))).length).toBe(total);
    expect(framer.pending).toBe(0);
  });

  it('a bad checksum of the whole message is for the client to judge', () => {
    const bad = Buffer.from(event('chunk', '{}'));
    bad.writeUInt32BE(0, bad.length - 4);
    const framer = createEventStreamFramer();
    expect(Buffer.concat(framer.push(bad))).toStrictEqual(bad);
    expect(framer.damage).toBeUndefined();
  });
});

describe('what cannot be a message is damage', () => {
  const badChecksum = prelude(16, 0);
  badChecksum[11] = (badChecksum[11] ?? 0) ^ 1;
  const cases: [string, Buffer][] = [
    ['a bad prelude checksum', badChecksum],
    ['15 bytes', prelude(15, 0)],
    ['no bytes', prelude(0, 0)],
    ['more than 24 MiB', prelude(24 * 1024 * 1024 + 1, 0)],
    ['4 GiB', prelude(0xffff_ffff, 0)],
    ['longer headers than the message', prelude(100, 101)],
    ['headers that leave no room for the checksums', prelude(100, 85)],
    ['headers of 4 GiB', prelude(100, 0xffff_ffff)],
    ['a page of HTML', Buffer.from('<html><body>502 Bad Gateway</body></html>')],
  ];

  it.each(cases)('%s', (_name, bytes) => {
    const framer = createEventStreamFramer();
    expect(framer.push(bytes)).toStrictEqual([]);
    expect(framer.damage).toMatchObject({ failure: 'upstreamBroken' });
    expect(() => framer.end()).toThrow(ProxyError);
  });

  it.each(cases)('%s, behind whole messages in the same chunk: those come first', (_name, bytes) => {
    const framer = createEventStreamFramer();
    expect(Buffer.concat(framer.push(Buffer.concat([STREAM, bytes])))).toStrictEqual(STREAM);
    expect(framer.damage).toMatchObject({ failure: 'upstreamBroken' });
  });

  it.each(cases)('%s, byte by byte', (_name, bytes) => {
    const framer = createEventStreamFramer();
    const out = cut(Buffer.concat([SHORTEST, bytes]), 1).flatMap((piece) => framer.push(piece));
    expect(Buffer.concat(out)).toStrictEqual(SHORTEST);
    expect(framer.damage).toMatchObject({ failure: 'upstreamBroken' });
  });

  it('is found before the message is kept', () => {
    const framer = createEventStreamFramer();
    framer.push(prelude(0xffff_ffff, 0));
    expect(framer.pending).toBeLessThanOrEqual(12);
  });
});

describe('the end of the stream', () => {
  it('in the middle of a message, at every offset', () => {
    for (let at = 1; at < STREAM.length; at += 1) {
      if (ENDS.includes(at)) continue;
      const framer = createEventStreamFramer();
      framer.push(STREAM.subarray(0, at));
      expect(() => framer.end()).toThrow(expect.objectContaining({ failure: 'upstreamBroken' }));
    }
  });

  it('without any byte', () => {
    expect(createEventStreamFramer().end()).toStrictEqual([]);
  });
});

describe('the exception message', () => {
  it.each(['Bedrock fell silent.', 'Zu groß: "日本" 🚀\n', ''])('is what the maintained codec reads: %j', (message) => {
    const { headers, body } = codec.decode(exceptionMessage('modelStreamErrorException', message));
    expect(headers).toStrictEqual({
      ':exception-type': { type: 'string', value: 'modelStreamErrorException' },
      ':content-type': { type: 'string', value: 'application/json' },
      ':message-type': { type: 'string', value: 'exception' },
    });
    expect(JSON.parse(Buffer.from(body).toString('utf8'))).toStrictEqual({ message });
  });

  it.each([
    ['internal', 'internalServerException'],
    ['upstreamBroken', 'modelStreamErrorException'],
    ['modelTimeout', 'modelStreamErrorException'],
    ['unavailable', 'modelStreamErrorException'],
  ] as const)('%s is told as %s', (failure, type) => {
    const { headers } = codec.decode(createEventStreamFramer().failure(new ProxyError(failure, 'Text.')).message);
    expect(headers[':exception-type']).toStrictEqual({ type: 'string', value: type });
  });

  it('is another one in a stream that models another', () => {
    const failureOf = (failure: 'internal' | 'upstreamBroken') =>
      codec.decode(createEventStreamFramer('badGatewayException').failure(new ProxyError(failure, 'Text.')).message);
    expect(failureOf('upstreamBroken').headers[':exception-type']?.value).toBe('badGatewayException');
    expect(failureOf('internal').headers[':exception-type']?.value).toBe('internalServerException');
  });

  it('is a message to the framer too', () => {
    const message = exceptionMessage('internalServerException', 'x');
    expect(Buffer.concat(createEventStreamFramer().push(message))).toStrictEqual(message);
  });
});
