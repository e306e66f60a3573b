import { randomBytes } from 'node:crypto';

import {
  BedrockRuntimeClient,
  ConverseStreamCommand,
  type ConverseStreamOutput,
} from '@aws-sdk/client-bedrock-runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { EVENT_STREAM, SERVER_SENT_EVENTS as SSE } from '../emulators/bedrock/answer.ts';
import { controlled } from '../emulators/bedrock/controlled.ts';
import { splitAt } from '../emulators/bedrock/faults.ts';
import { encodeEvent } from '../emulators/bedrock/frames.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { ask, begin } from '../support/chain-calls.ts';
import { converse, converseStream, modelId } from '../support/models.ts';
import { nextChunk, readBytes } from '../support/raw-client.ts';

const EVENTS = [
  encodeEvent('messageStart', { role: 'assistant' }),
  ...['Hello', ', ', 'world'].map((text) =>
    encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text } }),
  ),
  encodeEvent('messageStop', { stopReason: 'end_turn' }),
];

let chain: Chain;
beforeAll(async () => {
  chain = await startChain();
});
afterAll(() => chain.close());
afterEach(() => chain.bedrock.reset());

describe('what Bedrock sends is at the client before Bedrock sends more', () => {
  it('by the AWS SDK', async () => {
    const stream = controlled(EVENT_STREAM);
    chain.bedrock.answer(stream.responder);
    const client = new BedrockRuntimeClient(chain.clientConfig());
    const answered = client.send(new ConverseStreamCommand({ modelId, messages: [] }));
    await stream.send(EVENTS[0] ?? '');
    const { stream: answer } = await answered;
    const events = (answer as AsyncIterable<ConverseStreamOutput>)[Symbol.asyncIterator]();
    expect((await events.next()).value).toStrictEqual({ messageStart: { role: 'assistant' } });
    for (const text of ['Hello', ', ', 'world']) {
      await stream.send(encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text } }));
      expect((await events.next()).value.contentBlockDelta.delta.text).toBe(text);
    }
    await stream.send(EVENTS.at(-1) ?? '');
    expect((await events.next()).value).toStrictEqual({ messageStop: { stopReason: 'end_turn' } });
    await stream.end();
    expect((await events.next()).done).toBe(true);
    client.destroy();
  });

  it.each([
    ['an event stream', converseStream, EVENT_STREAM, EVENTS],
    ['server-sent events', '/openai/v1/chat/completions', SSE, ['data: 1\n\n', 'data: 2\r\n\r\n', 'data: [DONE]\n\n']],
  ])('%s', async (_name, path, headers, events) => {
    const stream = controlled(headers);
    chain.bedrock.answer(stream.responder);
    const { response } = begin(chain, path);
    for (const event of events) {
      await stream.send(event);
      const received = await readBytes(await response, Buffer.byteLength(event));
      expect(received.equals(Buffer.from(event))).toBe(true);
    }
    await stream.end();
    expect(await nextChunk(await response)).toBeUndefined();
  });

  it('a large answer that is not a stream', async () => {
    const stream = controlled({ 'content-type': 'application/octet-stream' });
    chain.bedrock.answer(stream.responder);
    const { response } = begin(chain, `/model/${modelId}/invoke`);
    const piece = randomBytes(1_200_000);
    await stream.send(piece);
    expect((await readBytes(await response, piece.length)).equals(piece)).toBe(true);
    await stream.end();
    expect(await nextChunk(await response)).toBeUndefined();
  });
});

describe('only whole messages are forwarded', () => {
  it('half an event waits for the other half', async () => {
    const stream = controlled(EVENT_STREAM);
    chain.bedrock.answer(stream.responder);
    const { response } = begin(chain, converseStream);
    const [, first = Buffer.alloc(0), second = Buffer.alloc(0)] = EVENTS;
    await stream.send(Buffer.concat([first, second.subarray(0, 20)]));
    const received = await nextChunk(await response);
    expect(received?.equals(first)).toBe(true);
    await stream.send(second.subarray(20));
    expect((await nextChunk(await response))?.equals(second)).toBe(true);
    await stream.end();
    expect(await nextChunk(await response)).toBeUndefined();
  });
});

describe('byte for byte', () => {
  it('a binary answer of 5 MB', async () => {
    const bytes = randomBytes(5_000_000);
    chain.bedrock.answer(splitAt(65_521, bytes, { 'content-type': 'image/png', 'x-amzn-bedrock-note': 'kept' }));
    const { headers, body, complete } = await ask(chain, `/model/${modelId}/invoke`);
    expect(headers).toMatchObject({ 'content-type': 'image/png', 'x-amzn-bedrock-note': 'kept' });
    expect(complete && body.equals(bytes)).toBe(true);
  });

  it('an event stream split at every offset', async () => {
    const bytes = Buffer.concat(EVENTS);
    const offsets = Array.from({ length: bytes.length - 1 }, (_, index) => index + 1);
    // Several at a time: each is a call of its own through the whole chain.
    await Promise.all(
      Array.from({ length: 8 }, async (_, lane) => {
        for (const offset of offsets.filter((at) => at % 8 === lane)) {
          chain.bedrock.answer(splitAt([offset], bytes, EVENT_STREAM), {
            when: ({ headers }) => headers['x-amzn-bedrock-offset'] === String(offset),
          });
          const { body, complete } = await ask(chain, converseStream, {
            headers: { 'x-amzn-bedrock-offset': String(offset) },
          });
          expect(complete && body.equals(bytes), `split at ${offset}`).toBe(true);
        }
      }),
    );
  });

  it('server-sent events split at every offset', async () => {
    const bytes = Buffer.from('event: a\r\ndata: \u00e9\r\n\r\ndata: 2\n\n: comment\r\rdata: [DONE]\n\nrest');
    for (let offset = 1; offset < bytes.length; offset += 1) {
      chain.bedrock.answer(splitAt([offset], bytes, SSE));
      const { body, complete } = await ask(chain, '/anthropic/v1/messages');
      expect(complete && body.equals(bytes), `split at ${offset}`).toBe(true);
    }
  });
});

describe('who waits and who is waited for', () => {
  it('Bedrock waits for a slow client', async () => {
    const stream = controlled({ 'content-type': 'application/octet-stream' });
    chain.bedrock.answer(stream.responder);
    const { request, response } = begin(chain, `/model/${modelId}/invoke`);
    const piece = Buffer.alloc(1024 * 1024);
    let sent = 0;
    const sending = (async () => {
      for (; sent < 200; sent += 1) await stream.send(piece);
    })().catch(() => {});
    const answer = await response;
    // Nobody reads: the pieces stop when every buffer on the way is full. 200 MiB would fit in no socket buffers. They
    // have stopped when none has gone while twenty other calls had their answers.
    for (let before = -1; sent !== before;) {
      before = sent;
      for (let others = 0; others < 20; others += 1) await ask(chain, converse);
    }
    expect(sent).toBeLessThan(100);
    expect((await readBytes(answer, 200 * piece.length)).length).toBe(200 * piece.length);
    await sending;
    expect(sent).toBe(200);
    request.destroy();
  });

  it.each([
    ['an event stream', converseStream, EVENT_STREAM, EVENTS[0] ?? ''],
    ['server-sent events', '/openai/v1/chat/completions', SSE, 'data: 1\n\n'],
    ['a large answer', `/model/${modelId}/invoke`, { 'content-type': 'image/png' }, Buffer.alloc(1_100_000)],
  ])('a client that leaves %s ends the request to Bedrock', async (_name, path, headers, first) => {
    const stream = controlled(headers);
    chain.bedrock.answer(stream.responder);
    const { request, response } = begin(chain, path);
    await stream.send(first);
    await nextChunk(await response);
    request.destroy();
    await expect((await stream.started).aborted).resolves.toBeUndefined();
  });

  it('a client that leaves before the answer ends the request to Bedrock', async () => {
    const arrived = Promise.withResolvers<void>();
    const left = new Promise<void>((resolve) => {
      chain.bedrock.answer(async (received) => {
        arrived.resolve();
        await received.aborted;
        resolve();
      });
    });
    const { request } = begin(chain, converse);
    await arrived.promise;
    request.destroy();
    await expect(left).resolves.toBeUndefined();
  });
});
