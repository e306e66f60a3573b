import {
  type BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  ModelStreamErrorException,
  type ConverseStreamOutput,
} from '@aws-sdk/client-bedrock-runtime';
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { sendAnswer } from './answer.ts';
import { defaultAnswer } from './answers.ts';
import { EXAMPLE_KEY, startBedrock, type BedrockEmulator } from './bedrock.ts';
import { controlled } from './controlled.ts';
import {
  closeBeforeHeaders,
  cutAfterHeaders,
  cutAt,
  endEarly,
  exceptionFrame,
  slowly,
  splitAt,
  stall,
} from './faults.ts';
import { encodeEvent } from './frames.ts';
import { runtimeClient } from './runtime-client.ts';
import type { ReceivedRequest } from './received-request.ts';
import { sendSigned, type SentRequest } from './signed-request.ts';
import { TEXT } from './tokens.ts';
import { converseStream as STREAM, modelId } from '../../support/models.ts';
import { waitUntil } from '../../support/wait-until.ts';

// With a Bedrock API key in the environment the SDKs would not sign.
vi.stubEnv('AWS_BEARER_TOKEN_BEDROCK', undefined);

let bedrock: BedrockEmulator;
let client: BedrockRuntimeClient;

beforeAll(async () => {
  bedrock = await startBedrock();
  client = runtimeClient(bedrock);
});

afterEach(() => bedrock.reset());

afterAll(async () => {
  client.destroy();
  await bedrock.close();
});

function send(target = STREAM): Promise<SentRequest> {
  return sendSigned(bedrock.url, EXAMPLE_KEY, target, { messages: [] });
}

/** What arrives of a body, and whether its end does. */
async function read(message: IncomingMessage): Promise<{ bytes: Buffer; complete: boolean; chunks: number }> {
  const chunks: Buffer[] = [];
  message.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
  await new Promise((resolve) => message.once('close', resolve));
  return { bytes: Buffer.concat(chunks), complete: message.complete, chunks: chunks.length };
}

/** The bytes of an undisturbed answer to `send()`. */
function wholeStream(): Buffer {
  return Buffer.concat(defaultAnswer(receivedBy(bedrock)).parts);
}

function receivedBy({ requests: [request] }: BedrockEmulator): ReceivedRequest {
  if (request === undefined) throw new Error('No request has arrived.');
  return request;
}

async function converseStream(): Promise<AsyncIterable<ConverseStreamOutput>> {
  const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages: [] }));
  if (stream === undefined) throw new Error('The answer has no stream.');
  return stream;
}

describe('broken connections', () => {
  it('closeBeforeHeaders', async () => {
    bedrock.answer(closeBeforeHeaders);
    const { response } = await send();
    await expect(response).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('cutAfterHeaders', async () => {
    bedrock.answer(cutAfterHeaders);
    const message = await (await send()).response;
    expect(message.statusCode).toBe(200);
    expect(message.headers['content-type']).toBe('application/vnd.amazon.eventstream');
    expect(await read(message)).toMatchObject({ bytes: Buffer.alloc(0), complete: false });
  });

  it.each([1, 11, 12, 100, 500])('cutAt %i bytes of a stream', async (bytes) => {
    bedrock.answer(cutAt(bytes));
    const cut = await read(await (await send()).response);
    expect(cut.complete).toBe(false);
    expect(cut.bytes).toEqual(wholeStream().subarray(0, bytes));
  });

  it('cutAt all of a stream leaves out its end', async () => {
    bedrock.answer(cutAt(Infinity));
    const cut = await read(await (await send()).response);
    expect(cut.complete).toBe(false);
    expect(cut.bytes).toEqual(wholeStream());
  });

  it('cutAt half of a plain answer', async () => {
    bedrock.answer(cutAt(20));
    const message = await (await send(`/model/${modelId}/converse`)).response;
    expect(Number(message.headers['content-length'])).toBeGreaterThan(20);
    expect(await read(message)).toMatchObject({ complete: false, bytes: { length: 20 } });
  });

  it('a fault costs nothing', async () => {
    bedrock.answer(cutAt(Infinity));
    await read(await (await send()).response);
    expect(bedrock.usageGiven().byModel).toEqual({});
  });
});

describe('silence', () => {
  it('stall before the headers, until the client goes', async () => {
    bedrock.answer(stall('beforeHeaders'));
    const arrived = new Promise((resolve) => bedrock.onRequest(resolve));
    const { request, response } = await send();
    await arrived;
    expect(bedrock.activeRequests).toBe(1);
    request.destroy();
    await expect(response).rejects.toMatchObject({ code: 'ECONNRESET' });
    await bedrock.requests[0]?.aborted;
    await waitUntil(() => bedrock.activeRequests === 0);
  });

  it('stall after the headers', async () => {
    bedrock.answer(stall('afterHeaders'));
    const { request, response } = await send();
    const message = await response;
    expect(message.statusCode).toBe(200);
    expect(bedrock.activeRequests).toBe(1);
    request.destroy();
    await bedrock.requests[0]?.aborted;
  });

  it('stall in the middle of a stream, after whole events', async () => {
    bedrock.answer(stall('midBody'));
    const received: ConverseStreamOutput[] = [];
    const abort = new AbortController();
    const command = new ConverseStreamCommand({ modelId, messages: [] });
    const { stream } = await client.send(command, { abortSignal: abort.signal });
    for await (const event of stream ?? []) {
      received.push(event);
      if (received.length === 4) break;
    }
    expect(received[0]?.messageStart).toEqual({ role: 'assistant' });
    expect(bedrock.activeRequests).toBe(1);
    abort.abort();
    await bedrock.requests[0]?.aborted;
  });

  it.each([
    ['Converse', `/model/${modelId}/converse`],
    ['ConverseStream', STREAM],
  ])('the answer to a %s whose client has gone is lost quietly', async (_, target) => {
    const late: Promise<void>[] = [];
    bedrock.answer((received, response) => {
      late.push(received.aborted.then(() => sendAnswer(response, defaultAnswer(received))));
    });
    const arrived = new Promise((resolve) => bedrock.onRequest(resolve));
    const { request, response } = await send(target);
    await arrived;
    request.destroy();
    await expect(response).rejects.toMatchObject({ code: 'ECONNRESET' });
    await Promise.all(late);
    expect(late).toHaveLength(1);
  });

  it('a pause between events ends with the client', async () => {
    const sent: Promise<void>[] = [];
    bedrock.answer((received, response) => {
      sent.push(sendAnswer(response, defaultAnswer(received), { eventDelayMs: 3_600_000 }));
    });
    const { request, response } = await send();
    await once(await response, 'data');
    request.destroy();
    await Promise.all(sent);
    expect(sent).toHaveLength(1);
  });

  it('eventDelayMs holds back the next event, and what it did not get was not given', async () => {
    const slow = await startBedrock({ eventDelayMs: 3_600_000 });
    const { request, response } = await sendSigned(slow.url, EXAMPLE_KEY, STREAM, {});
    const [first] = (await once(await response, 'data')) as [Buffer];
    expect(first).toEqual(defaultAnswer(receivedBy(slow)).parts[0]);
    request.destroy();
    await waitUntil(() => slow.activeRequests === 0);
    expect(slow.usageGiven().byModel).toEqual({});
    await slow.close();
  });

  it('close() ends a stalled answer', async () => {
    const other = await startBedrock();
    other.answer(stall('beforeHeaders'));
    const arrived = new Promise((resolve) => other.onRequest(resolve));
    const { response } = await sendSigned(other.url, EXAMPLE_KEY, STREAM, {});
    await arrived;
    await Promise.all([other.close(), expect(response).rejects.toMatchObject({ code: 'ECONNRESET' })]);
  });
});

describe('whole answers in another rhythm', () => {
  it.each([1, 7, 4096])('slowly, in chunks of %i bytes', async (chunkSize) => {
    bedrock.answer(slowly(defaultAnswer, chunkSize, 0));
    const whole = await read(await (await send()).response);
    expect(whole).toMatchObject({ complete: true, bytes: wholeStream() });
  });

  it('splitAt offsets, each piece a chunk', async () => {
    const bytes = encodeEvent('messageStart', { role: 'assistant' });
    bedrock.answer(splitAt([3, 12, 40], bytes));
    const split = await read(await (await send()).response);
    expect(split).toEqual({ bytes, complete: true, chunks: 4 });
  });

  it('splitAt every byte is still a stream the SDK reads', async () => {
    const bytes = Buffer.concat([
      encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'é' } }),
      encodeEvent('messageStop', { stopReason: 'end_turn' }),
    ]);
    bedrock.answer(splitAt(1, bytes));
    const events = await Array.fromAsync(await converseStream());
    expect(events.map((event) => event.contentBlockDelta?.delta?.text)).toEqual(['é', undefined]);
  });

  it('endEarly looks complete', async () => {
    bedrock.answer(endEarly(3));
    const events = await Array.fromAsync(await converseStream());
    expect(events.map((event) => Object.keys(event)[0])).toEqual([
      'messageStart',
      'contentBlockDelta',
      'contentBlockDelta',
    ]);
  });

  it('exceptionFrame is the SDK’s typed error in mid-stream', async () => {
    bedrock.answer(exceptionFrame('modelStreamErrorException', 'The model broke off.'));
    const received: ConverseStreamOutput[] = [];
    const reading = (async () => {
      for await (const event of await converseStream()) received.push(event);
    })();
    const error: unknown = await reading.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ModelStreamErrorException);
    expect(error).toMatchObject({ message: 'The model broke off.' });
    expect(received.length).toBeGreaterThan(1);
  });

  it('an undisturbed answer after a broken one', async () => {
    bedrock.answer(cutAt(50));
    await read(await (await send()).response);
    const { output } = await client.send(new ConverseCommand({ modelId, messages: [] }));
    expect(output?.message?.content?.[0]?.text).toBe(TEXT);
  });
});

describe('controlled()', () => {
  it('has the headers at the client before any chunk, and each chunk before the next is sent', async () => {
    const stream = controlled({ 'content-type': 'text/event-stream', 'x-test': 'yes' });
    bedrock.answer(stream.responder);
    const message = await (await send()).response;
    expect(message.headers['x-test']).toBe('yes');
    expect((await stream.started).operation).toBe('ConverseStream');
    await stream.send('first');
    expect(String((await once(message, 'data'))[0])).toBe('first');
    await stream.send(Buffer.from('second'));
    expect(String((await once(message, 'data'))[0])).toBe('second');
    await stream.end();
    expect((await buffer(message)).length).toBe(0);
    expect(message.complete).toBe(true);
  });

  it('gives the SDK one event at a time', async () => {
    const stream = controlled();
    bedrock.answer(stream.responder);
    const reading = converseStream();
    // The SDK hands out the stream only once the first event is there.
    await stream.send(encodeEvent('messageStart', { role: 'assistant' }));
    const iterator = (await reading)[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual({ messageStart: { role: 'assistant' } });
    await stream.send(encodeEvent('messageStop', { stopReason: 'end_turn' }));
    expect((await iterator.next()).value).toEqual({ messageStop: { stopReason: 'end_turn' } });
    await stream.end();
    expect((await iterator.next()).done).toBe(true);
  });

  it('destroy() breaks the connection after the chunks that were sent', async () => {
    const stream = controlled();
    bedrock.answer(stream.responder);
    const message = await (await send()).response;
    await stream.send('part');
    await stream.destroy();
    expect(await read(message)).toMatchObject({ bytes: Buffer.from('part'), complete: false });
  });

  it.each<readonly [how: string, leave: (request: ClientRequest) => void]>([
    ['closed', (request) => request.destroy()],
    ['reset', (request) => request.socket?.resetAndDestroy()],
  ])('knows when the client has %s the connection', async (_, leave) => {
    const stream = controlled();
    bedrock.answer(stream.responder);
    const { request, response } = await send();
    (await response).on('error', () => undefined);
    leave(request);
    await (
      await stream.started
    ).aborted;
    await waitUntil(() => bedrock.activeRequests === 0);
    await expect(stream.send('late')).rejects.toThrow('The client has closed the connection.');
    await stream.end();
  });
});
