import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createJsonTail, readJsonTail } from '../../../src/usage/json-tail.ts';
import { LONGEST_READ } from '../../../src/usage/accumulator.ts';
import { EVENT_STREAM, SERVER_SENT_EVENTS as SSE } from '../../emulators/bedrock/answer.ts';
import { encodeEvent } from '../../emulators/bedrock/frames.ts';
import { chunk, cut, JSON_BODY, usageOf } from '../../support/usage-feed.ts';

fc.configureGlobal({ seed: 1, numRuns: 500 });

const long = 'é'.repeat(LONGEST_READ);
const converse = { inputTokens: 1, outputTokens: 2, totalTokens: 3 };
const openAi = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };

function tailOf(text: string): Buffer {
  const tail = createJsonTail();
  tail.push(Buffer.from(text));
  return tail.bytes;
}

describe('usage at the end of what is too long to be kept', () => {
  it.each<[string, string, object]>([
    ['Converse', 'Converse', { output: long, stopReason: 'end_turn', usage: converse }],
    ['chat', 'ChatCompletions', { choices: [long], usage: openAi, service_tier: 'default' }],
    [
      'a response',
      'Responses',
      { output: [long], tools: [], usage: { input_tokens: 1, output_tokens: 2 }, user: null },
    ],
    ['Anthropic', 'Messages', { content: [{ text: long }], usage: { input_tokens: 1, output_tokens: 2 } }],
    ['a tool that is given usage', 'Converse', { output: [{ usage: { inputTokens: 9 }, long }], usage: converse }],
    ['text that looks like it', 'Converse', { output: `${long}"usage":{"inputTokens":9}}`, usage: converse }],
  ])('of a body: %s', (_name, operation, body) => {
    const bytes = Buffer.from(JSON.stringify(body));
    for (const size of [65_536, 1000, bytes.length]) {
      expect(usageOf(operation, JSON_BODY, cut(bytes, size))).toStrictEqual({ ...converse, source: 'body' });
    }
  });

  it.each<[string, string, object]>([
    ['a whole response', 'Responses', { type: 'response.completed', response: { output: long, usage: openAi } }],
    ['a chunk', 'ChatCompletions', { choices: [{ delta: { content: long } }], usage: openAi }],
  ])('of an event: %s', (_name, operation, event) => {
    const bytes = Buffer.from(`event: x\ndata: ${JSON.stringify({ ...event })}\n\n`);
    for (const size of [65_536, 999]) {
      expect(usageOf(operation, SSE, cut(bytes, size))).toMatchObject({ ...converse, source: 'stream' });
    }
  });

  it.each<[string, string, Buffer]>([
    ['metadata', 'ConverseStream', encodeEvent('metadata', { p: 'x', trace: long, usage: converse })],
    ['a chunk', 'InvokeModelWithResponseStream', chunk({ long, usage: openAi })],
  ])('of a message: %s', (_name, operation, message) => {
    for (const size of [message.length, 65_536, 5]) {
      expect(usageOf(operation, EVENT_STREAM, cut(message, size))).toStrictEqual({ ...converse, source: 'stream' });
    }
    const damaged = Buffer.from(message);
    damaged.writeUInt8(damaged.readUInt8(1000) ^ 1, 1000);
    expect(usageOf(operation, EVENT_STREAM, cut(damaged, 65_536))).toStrictEqual({
      unknown: 'answer not understood: damaged stream',
    });
  });

  it.each<[string, string]>([
    ['of a tool alone', JSON.stringify({ output: long, content: [{ input: { usage: converse } }] })],
    ['within text', JSON.stringify({ output: long, text: '"usage":{"inputTokens":1}}' })],
    ['that is cut', JSON.stringify({ output: long, usage: converse }).slice(0, -1)],
    ['too far from the end', JSON.stringify({ usage: converse, output: long })],
  ])('none: %s', (_name, body) => {
    expect(usageOf('Converse', JSON_BODY, [Buffer.from(body)])).toStrictEqual({
      unknown: 'answer not understood: too long',
    });
  });
});

describe('the end of JSON', () => {
  it('is what was pushed last, in a bounded memory', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40_000), { maxLength: 12 }), (sizes) => {
        const tail = createJsonTail();
        const pieces = sizes.map((size, index) => Buffer.alloc(size, index + 1));
        for (const piece of pieces) tail.push(piece);
        const all = Buffer.concat(pieces);
        expect(tail.bytes.equals(all.subarray(-Math.min(all.length, 32 * 1024)))).toBe(true);
        expect(tail.bytes.buffer.byteLength).toBe(64 * 1024);
      }),
      { numRuns: 100 },
    );
  });

  it('never fails, and finds what a parser finds at the top, or nothing', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), fc.jsonValue(), (first, usage, last) => {
        const { usage: _own, ...others } = first;
        const body = JSON.stringify({ ...others, nested: { usage: last, list: [{ usage: 1 }] }, usage, last });
        expect(readJsonTail(Buffer.from(body))).toMatchObject({ usage: JSON.parse(body).usage });
      }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('"usage":', '{', '}', '[', ']', '"', '\\', '1', ',', 'meta'), { maxLength: 40 }),
        (parts) => {
          const found = readJsonTail(Buffer.from(parts.join('')));
          expect(found === undefined || typeof found === 'object').toBe(true);
        },
      ),
    );
  });

  it('is tried to be read a bounded number of times', () => {
    const nested = `${'{"usage":'.repeat(2000)}1${'}'.repeat(2000)}`;
    expect(readJsonTail(tailOf(`{"a":${nested}}`))).toBeUndefined();
    let parses = 0;
    const parse = JSON.parse;
    JSON.parse = (text: string) => {
      parses += 1;
      return parse(text) as unknown;
    };
    try {
      readJsonTail(tailOf(`{"a":${nested}}`));
    } finally {
      JSON.parse = parse;
    }
    expect(parses).toBeLessThanOrEqual(8);
  });
});
