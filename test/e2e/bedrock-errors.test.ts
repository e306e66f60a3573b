import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  InternalServerException,
  ModelErrorException,
  ModelNotReadyException,
  ModelStreamErrorException,
  ResourceNotFoundException,
  ServiceQuotaExceededException,
  ServiceUnavailableException,
  ThrottlingException,
  ValidationException,
} from '@aws-sdk/client-bedrock-runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { cutAt, exceptionFrame, fail, stall } from '../emulators/bedrock/faults.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { ask, begin, read } from '../support/chain-calls.ts';
import { converse, converseStream, modelId } from '../support/models.ts';
import { DEADLINES_BY_HAND, passDeadlines } from '../support/worker-deadlines.ts';

let chain: Chain;
let client: BedrockRuntimeClient;
/** Those that give up, when a test says so, on a Bedrock that has fallen silent, and on one that goes on for too long. */
let silent: Chain;
let endless: Chain;
beforeAll(async () => {
  [chain, silent, endless] = await Promise.all([
    startChain(),
    startChain({ settings: { UPSTREAM_IDLE_TIMEOUT_SECONDS: '200' }, nodeArguments: DEADLINES_BY_HAND }),
    startChain({ settings: { STREAM_DEADLINE_SECONDS: '200' }, nodeArguments: DEADLINES_BY_HAND }),
  ]);
  client = clientOf(chain);
});
afterAll(async () => {
  client.destroy();
  await Promise.all([chain, silent, endless].map((each) => each.close()));
});
afterEach(() => [chain, silent, endless].forEach(({ bedrock }) => bedrock.reset()));

function clientOf(called: Chain): BedrockRuntimeClient {
  return new BedrockRuntimeClient({ ...called.clientConfig(), maxAttempts: 1 });
}

describe("Bedrock's own errors pass untouched and typed", () => {
  it.each([
    [400, ValidationException, 'ValidationException'],
    [400, ServiceQuotaExceededException, 'ServiceQuotaExceededException:http://internal.amazon.com/coral/x'],
    [404, ResourceNotFoundException, 'ResourceNotFoundException'],
    [424, ModelErrorException, 'ModelErrorException'],
    [429, ThrottlingException, 'ThrottlingException'],
    [429, ModelNotReadyException, 'ModelNotReadyException'],
    [500, InternalServerException, 'InternalServerException'],
    [503, ServiceUnavailableException, 'ServiceUnavailableException'],
  ])('%i %o', async (status, exception, errorType) => {
    chain.bedrock.answer(fail(status, errorType, 'From Bedrock.', { 'x-amzn-note': 'kept', 'retry-after': '7' }), {
      times: 2,
    });
    const answer = await ask(chain, converse);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      'x-amzn-errortype': errorType,
      'x-amzn-note': 'kept',
      'retry-after': '7',
    });
    expect(answer.headers['x-amzn-requestid']).not.toBe(answer.headers['x-ms-invocation-id']);
    expect(JSON.parse(String(answer.body))).toStrictEqual({ message: 'From Bedrock.' });

    const thrown = await client.send(new ConverseCommand({ modelId, messages: [] })).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(exception);
    expect(thrown).toMatchObject({ message: 'From Bedrock.', $metadata: { httpStatusCode: status } });
  });

  it('an exception frame of Bedrock in mid-stream', async () => {
    chain.bedrock.answer(exceptionFrame('throttlingException', 'Slow down.'));
    const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages: [] }));
    await expect(Array.fromAsync(stream ?? [])).rejects.toSatisfy(
      (error) => error instanceof ThrottlingException && error.message === 'Slow down.',
    );
  });
});

describe('a stream that breaks is told to the client in its own protocol', () => {
  it.each([
    ['cut between two events', endOfEvent],
    ['cut inside an event', (bytes: number) => cutAt(bytes - 7)],
    ['silent', () => stall('midBody')],
  ])('an event stream, %s: ModelStreamErrorException', async (_name, fault) => {
    const { body: whole } = await ask(chain, converseStream);
    const firstTwo = whole.readUInt32BE(0) + whole.readUInt32BE(whole.readUInt32BE(0));
    silent.bedrock.answer(fault(firstTwo));
    const impatient = clientOf(silent);
    const { stream } = await impatient.send(new ConverseStreamCommand({ modelId, messages: [] }));
    const events: unknown[] = [];
    const reading = (async () => {
      for await (const event of stream ?? []) if (events.push(event) === 1) void passDeadlines(silent.host);
    })();
    await expect(reading).rejects.toBeInstanceOf(ModelStreamErrorException);
    expect(events.length).toBeGreaterThan(0);
    impatient.destroy();
  });

  it('an event stream that goes on beyond the deadline', async () => {
    endless.bedrock.answer(async (_request, response) => {
      const { body: first } = await ask(chain, converseStream);
      const frame = first.subarray(0, first.readUInt32BE(0));
      response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
      const beat = setInterval(() => response.write(frame), 100);
      response.once('close', () => clearInterval(beat));
    });
    const impatient = clientOf(endless);
    const { stream } = await impatient.send(new ConverseStreamCommand({ modelId, messages: [] }));
    const events: unknown[] = [];
    const reading = (async () => {
      for await (const event of stream ?? []) if (events.push(event) === 1) void passDeadlines(endless.host);
    })();
    await expect(reading).rejects.toBeInstanceOf(ModelStreamErrorException);
    expect(events.length).toBeGreaterThan(0);
    impatient.destroy();
  });

  it.each([
    [
      '/openai/v1/chat/completions',
      /data: \{"error":\{"message":"[^"]+","type":"server_error","code":"\w+","param":null\}\}\n\n$/,
    ],
    [
      '/anthropic/v1/messages',
      /event: error\ndata: \{"type":"error","error":\{"type":"api_error","message":"[^"]+"\}\}\n\n$/,
    ],
  ])('server-sent events of %s', async (path, lastEvent) => {
    silent.bedrock.answer(stall('midBody'), { when: ({ body }) => String(body).includes('"stream":true') });
    const body = { model: modelId, stream: true, max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
    const begun = await begin(silent, path, { body }).response;
    await passDeadlines(silent.host);
    expect(String((await read(begun)).body)).toMatch(lastEvent);
  });

  it('a large plain answer: its connection breaks', async () => {
    const bytes = Buffer.alloc(3_000_000, 1);
    chain.bedrock.answer(
      cutAt(2_000_000, () => ({ status: 200, headers: { 'content-type': 'image/png' }, parts: [bytes] })),
    );
    const answer = await ask(chain, `/model/${modelId}/invoke`);
    expect(answer).toMatchObject({ status: 200, complete: false });
  });

  function endOfEvent(bytes: number) {
    return cutAt(bytes);
  }
});
