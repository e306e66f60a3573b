import { crc32 } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { readModel } from '../../src/bedrock/body-model.ts';
import { withMetadata } from '../../src/bedrock/request-metadata.ts';
import { createRouter } from '../../src/bedrock/route.ts';
import { RUNTIME } from '../../src/bedrock/runtime.ts';
import { checkModel } from '../../src/callers/allowed-models.ts';
import { callerOf } from '../../src/callers/caller.ts';
import { forwardedHeaders } from '../../src/proxy/forwarded-headers.ts';
import { forwardedQuery } from '../../src/proxy/forwarded-query.ts';
import { createEventFramer } from '../../src/streams/server-sent-events.ts';
import { createEventStreamFramer } from '../../src/streams/event-stream.ts';
import type { Framer } from '../../src/streams/framer.ts';
import { createSigner } from '../../src/aws/signer.ts';

/**
 * What a caller can make the event loop do: each reader with the worst input of its class, at one size and at eight times
 * that. Something quadratic takes 64 times as long then, something linear eight times.
 */

const findRoute = createRouter([RUNTIME]);
const sign = createSigner('bedrock', 'us-east-1', 'https://bedrock-runtime.us-east-1.amazonaws.com');
const KEYS = { accessKeyId: 'AKIA', secretAccessKey: 's' };

/** Prepares an input of about so many bytes; what it returns reads it. A refusal is as good as an answer. */
type Row = readonly [name: string, bytes: number, prepare: (bytes: number) => () => unknown];

function body(before: string, unit: string, after = ''): (bytes: number) => () => unknown {
  return (bytes) => {
    const json = Buffer.from(`{${before}${unit.repeat(Math.ceil(bytes / unit.length))}${after}"model":"m"}`);
    return () => [readModel(json, 'model'), withMetadata(json, { subscriptionId: 'a' })];
  };
}

/** As deep as is read, again and again. */
function nested(open: string, close: string): (bytes: number) => () => unknown {
  return body('"a":[', `${open.repeat(500)}1${close.repeat(500)},`, '1],');
}

/** One message that has no end, byte for byte. */
function bytewise(create: () => Framer, first: Buffer): (bytes: number) => () => unknown {
  return (bytes) => () => {
    const framer = create();
    framer.push(first);
    for (let at = 0; at < bytes; at += 1) framer.push(Buffer.from([0x61]));
    return framer.pending;
  };
}

/** Of a message of eight megabytes without headers. */
const PRELUDE = Buffer.alloc(12);
PRELUDE.writeUInt32BE(2 ** 23, 0);
PRELUDE.writeUInt32BE(crc32(PRELUDE.subarray(0, 8)), 8);

const ROWS: readonly Row[] = [
  ['a path of separators', 8192, (bytes) => () => findRoute('POST', `/guardrail/${'a/version/'.repeat(bytes / 10)}x`)],
  ['a path of escapes', 8192, (bytes) => () => findRoute('POST', `/model/${'%2525'.repeat(bytes / 5)}/converse`)],
  ['a query of names', 4096, signed((index) => `a${index.toString(36)}`)],
  ['a query of one name', 4096, signed(() => 'a')],
  [
    'a list of models',
    8192,
    (bytes) => {
      const caller = callerOf({ 'x-gateway-allowed-models': 'a*,'.repeat(bytes / 3) });
      return () => checkModel(caller, 'm'.repeat(2048));
    },
  ],
  [
    'headers',
    8192,
    (bytes) => {
      const headers = Object.fromEntries(
        Array.from({ length: bytes / 8 }, (_, index) => [`x-amzn-bedrock-${index}`, 'a']),
      );
      return () => forwardedHeaders(headers);
    },
  ],
  ['members', 65_536, body('', '"modelx":1,')],
  ['members with escapes', 65_536, body('', '"mode\\u006d":1,')],
  ['numbers', 65_536, body('"a":[', '1,', '1],')],
  ['empty arrays', 65_536, body('"a":[', '[],', '1],')],
  ['a string', 65_536, body('"a":"', 'A', '",')],
  ['escapes in a string', 65_536, body('"a":"', '\\n', '",')],
  ['white space', 65_536, body('', ' ')],
  ['arrays in arrays', 65_536, nested('[', ']')],
  ['objects in objects', 65_536, nested('{"":', '}')],
  ['an event, byte for byte', 8192, bytewise(() => createEventFramer('openai'), Buffer.from('data: '))],
  ['a message, byte for byte', 8192, bytewise(createEventStreamFramer, PRELUDE)],
];

function signed(parameter: (index: number) => string): (bytes: number) => () => unknown {
  return (bytes) => {
    const sent = Array.from({ length: bytes / 4 }, (_, index) => parameter(index)).join('&');
    return () => {
      const query = forwardedQuery(sent, 'any');
      return sign({ method: 'POST', path: '/x', query, headers: {}, bodySha256: 'a' }, KEYS);
    };
  };
}

/** Least processor time of many runs, in microseconds: what others do on the machine only adds to it. */
async function cost(read: () => unknown): Promise<number> {
  let least = Infinity;
  let all = 0;
  // What takes much longer than the shares of others need not be repeated as often.
  for (let round = 0; round < 12 && all < 500_000; round += 1) {
    const before = process.cpuUsage();
    let runs = 0;
    let spent = 0;
    // The clock of the processor ticks in milliseconds on some systems.
    while (spent < 4000) {
      try {
        await read();
      } catch {
        // Refused.
      }
      runs += 1;
      const { user, system } = process.cpuUsage(before);
      spent = user + system;
    }
    all += spent;
    least = Math.min(least, spent / runs);
  }
  return least;
}

describe('eight times the bytes take about eight times as long, or are refused at once', () => {
  it.each(ROWS)('%s', async (_name, bytes, prepare) => {
    const [once, eightTimes] = [prepare(bytes), prepare(8 * bytes)];
    await cost(once);
    // The bound is between eight and sixty-four.
    expect((await cost(eightTimes)) / (await cost(once))).toBeLessThan(24);
  });
});
