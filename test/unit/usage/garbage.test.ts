import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { UsageMeter } from '../../../src/usage/meter.ts';
import type { Usage } from '../../../src/usage/reading.ts';
import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import { EVENT_STREAM, SERVER_SENT_EVENTS as SSE } from '../../emulators/bedrock/answer.ts';
import { encodeEvent, encodeFrame } from '../../emulators/bedrock/frames.ts';
import { emulated, JSON_BODY, meterOf, usageOf } from '../../support/usage-feed.ts';

fc.configureGlobal({ seed: 1, numRuns: 500 });

const headers = fc.constantFrom(EVENT_STREAM, SSE, JSON_BODY, {});
const operation = fc.constantFrom(...RUNTIME.operations.map(({ name }) => name));
const streams = [
  emulated('ConverseStream', {}).bytes,
  emulated('InvokeModelWithResponseStream', { anthropic_version: 'x' }).bytes,
  emulated('InvokeModelWithResponseStream', { prompt: 'x' }).bytes,
  emulated('Messages', { model: 'm', stream: true }).bytes,
  emulated('Responses', { model: 'm', stream: true }).bytes,
  emulated('Converse', {}).bytes,
];

/** Every count is one, and an answer of which nothing is known says so. */
function expectUsage(usage: Usage): void {
  const { source, unknown, partial: _partial, ...counts } = usage;
  for (const [kind, count] of Object.entries(counts)) {
    if (!Number.isSafeInteger(count) || count < 0) throw new Error(`${kind} is ${count}`);
  }
  const told = Object.keys(counts).length > 0;
  if (told !== (source !== undefined) || (told && unknown !== undefined)) throw new Error(JSON.stringify(usage));
}

describe('any bytes', () => {
  it('at random', () => {
    fc.assert(
      fc.property(
        operation,
        headers,
        fc.array(fc.uint8Array({ maxLength: 80 })),
        fc.boolean(),
        (name, head, pieces, complete) => {
          expectUsage(
            usageOf(
              name,
              head,
              pieces.map((piece) => Buffer.from(piece)),
              complete,
            ),
          );
        },
      ),
    );
  });

  it('of real answers, with some of them changed, cut anywhere', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 });
    const cuts = fc.array(fc.nat(), { maxLength: 6 });
    fc.assert(
      fc.property(
        operation,
        headers,
        fc.constantFrom(...streams),
        changes,
        cuts,
        (name, head, stream, changed, places) => {
          const bytes = Buffer.from(stream);
          for (const [at, value] of changed) bytes[at % bytes.length] = value;
          const ends = [0, ...places.map((at) => at % bytes.length), bytes.length].toSorted((a, b) => a - b);
          const pieces = ends.slice(1).map((end, index) => bytes.subarray(ends[index], end));
          expectUsage(usageOf(name, head, pieces));
        },
      ),
    );
  });

  it('of any JSON, in each of the places where usage is looked for', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const names = [
          'usage',
          'message',
          'response',
          'metadata',
          'meta',
          'choices',
          'results',
          'amazon-bedrock-invocationMetrics',
          'stopReason',
          'delta',
          'outputs',
          'serviceTier',
          'incomplete_details',
        ];
        for (const name of names) {
          const text = JSON.stringify({
            [name]: a,
            inputTextTokenCount: b,
            billed_units: b,
            object: 'response',
            status: b,
          });
          expectUsage(usageOf('InvokeModel', JSON_BODY, [Buffer.from(text)]));
          expectUsage(usageOf('Responses', SSE, [Buffer.from(`data: ${text}\n\n`)]));
          const bytes = Buffer.from(text).toString('base64');
          expectUsage(usageOf('InvokeModelWithResponseStream', EVENT_STREAM, [encodeEvent('chunk', { bytes })]));
          expectUsage(usageOf('ConverseStream', EVENT_STREAM, [encodeEvent('metadata', { usage: a })]));
          expectUsage(usageOf('ConverseStream', EVENT_STREAM, [encodeEvent('messageStop', { stopReason: a })]));
          const usage = { input_tokens: 1, output_tokens: 2, iterations: [a, { type: 'compaction', input_tokens: b }] };
          expectUsage(usageOf('Messages', JSON_BODY, [Buffer.from(JSON.stringify({ usage }))]));
          expectUsage(usageOf('ApplyGuardrail', JSON_BODY, [Buffer.from(JSON.stringify({ usage: a, action: b }))]));
        }
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['in a body', 'InvokeModel', JSON_BODY, (json: string) => Buffer.from(json)],
    ['in an event', 'ChatCompletions', SSE, (json: string) => Buffer.from(`data: ${json}\n\n`)],
    [
      'in a message',
      'ConverseStream',
      EVENT_STREAM,
      (json: string) => encodeFrame({ ':event-type': 'metadata', ':message-type': 'event' }, json),
    ],
  ] as const)('objects within objects, %s', (_name, name, head, encode) => {
    const depth = 30_000;
    const json = `${'{"usage":{"billed_units":'.repeat(depth)}1${'}}'.repeat(depth)}`;
    expectUsage(usageOf(name, head, [encode(json)]));
  });

  it('behind more than is kept, of real answers with some of them changed', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
    const long = Buffer.alloc(1024 * 1024, ' ');
    fc.assert(
      fc.property(operation, headers, fc.constantFrom(...streams), changes, (name, head, stream, changed) => {
        const bytes = Buffer.from(stream);
        for (const [at, value] of changed) bytes[at % bytes.length] = value;
        expectUsage(usageOf(name, head, [Buffer.from('data: '), long, bytes, Buffer.from('\n\n')]));
      }),
      { numRuns: 100 },
    );
  });

  it('ends of lines without an end, in no more time than their number', () => {
    const pieces = Array.from({ length: 300_000 }, () => Buffer.from('d\n'));
    expect(usageOf('ChatCompletions', SSE, pieces)).toStrictEqual({ unknown: 'no usage in the answer' });
  });
});

describe('what is too long is passed over, and what follows is read', () => {
  const usage = { inputTokens: 1, outputTokens: 2, totalTokens: 3 };
  const piece = Buffer.alloc(64 * 1024, 'x');

  it('in a message', () => {
    const long = encodeEvent('metadata', { trace: 'x'.repeat(2 * 1024 * 1024) });
    const end = encodeEvent('metadata', { usage });
    for (const at of [2, 4, 12, 1000, long.length - 1]) {
      const pieces = [long.subarray(0, at), long.subarray(at), end];
      expect(usageOf('ConverseStream', EVENT_STREAM, pieces)).toStrictEqual({ ...usage, source: 'stream' });
      const together = [long.subarray(0, at), Buffer.concat([long.subarray(at), end])];
      expect(usageOf('ConverseStream', EVENT_STREAM, together)).toStrictEqual({ ...usage, source: 'stream' });
    }
    expect(usageOf('ConverseStream', EVENT_STREAM, [long])).toStrictEqual({
      unknown: 'answer not understood: too long',
    });
  });

  it('in an event', () => {
    const long = [Buffer.from('data: '), ...Array.from({ length: 40 }, () => piece), Buffer.from('\n\n')];
    const end = Buffer.from(
      'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n',
    );
    expect(usageOf('ChatCompletions', SSE, [...long, end])).toStrictEqual({
      ...usage,
      source: 'stream',
    });
    // The end of the long event is cut in two, and what follows comes with its second half.
    const halves = [...long.slice(0, -1), Buffer.from('\n'), Buffer.concat([Buffer.from('\n'), end])];
    expect(usageOf('ChatCompletions', SSE, halves)).toStrictEqual({ ...usage, source: 'stream' });
    expect(usageOf('ChatCompletions', SSE, long)).toStrictEqual({
      unknown: 'answer not understood: too long',
    });
  });

  it('in a body', () => {
    const pieces = Array.from({ length: 17 }, () => piece);
    expect(usageOf('Converse', JSON_BODY, pieces)).toStrictEqual({ unknown: 'answer not understood: too long' });
  });
});

describe('what is kept', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;

  /** Reads 64 buffers. A function of its own, so that no variable of it still holds the last of them afterwards. */
  function readAll(meter: UsageMeter, make: (index: number) => Buffer, together: boolean): WeakRef<ArrayBufferLike>[] {
    const buffers = Array.from({ length: 64 }, (_, index) => make(index));
    for (const pieces of together ? [buffers] : buffers.map((bytes) => [bytes])) meter.read(pieces);
    return buffers.map(({ buffer }) => new WeakRef(buffer));
  }

  /** How many of the buffers are still referred to after all have been read. */
  async function kept(
    name: string,
    head: Record<string, string>,
    make: (index: number) => Buffer,
    together = false,
  ): Promise<number> {
    const meter = meterOf(name, head);
    const written = readAll(meter, make, together);
    await turn();
    collect();
    const alive = written.filter((reference) => reference.deref() !== undefined).length;
    meter.end(true);
    return alive;
  }

  /** A buffer with memory of its own. */
  const own = (bytes: Buffer): Buffer => Buffer.from(Uint8Array.from(bytes).buffer);
  const HALF = 512 * 1024;

  it.each<[string, string, Record<string, string>, (index: number) => Buffer, number]>([
    ['a body', 'Converse', JSON_BODY, () => Buffer.alloc(HALF, 'x'), 0],
    ['events', 'ChatCompletions', SSE, () => own(Buffer.from('data: {"choices":[{"delta":{"content":"a"}}]}\n\n')), 1],
    [
      'messages',
      'ConverseStream',
      EVENT_STREAM,
      () => own(encodeEvent('contentBlockDelta', { p: 'x'.repeat(HALF) })),
      1,
    ],
    ['chunks', 'InvokeModelWithResponseStream', EVENT_STREAM, () => own(encodeEvent('chunk', { bytes: 'e30=' })), 1],
  ])('of %s', async (_name, name, head, make, most) => {
    expect(await kept(name, head, make)).toBeLessThanOrEqual(most);
  });

  it.each<[string, string, Record<string, string>, (index: number) => Buffer]>([
    [
      'an event',
      'ChatCompletions',
      SSE,
      (index) => (index === 63 ? own(Buffer.from('\n\n')) : Buffer.alloc(HALF, 'x')),
    ],
    [
      'a message',
      'ConverseStream',
      EVENT_STREAM,
      (index) => {
        const bytes = Buffer.alloc(HALF);
        if (index === 0) bytes.writeUInt32BE(64 * HALF, 0);
        return bytes;
      },
    ],
  ])('of %s in pieces, together too long to be read: nothing', async (_name, name, head, make) => {
    expect(await kept(name, head, make, true)).toBe(0);
  });
});
