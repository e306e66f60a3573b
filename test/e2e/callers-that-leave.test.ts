import { once } from 'node:events';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { buffer, text } from 'node:stream/consumers';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { EVENT_STREAM, SERVER_SENT_EVENTS as SSE } from '../emulators/bedrock/answer.ts';
import { controlled } from '../emulators/bedrock/controlled.ts';
import { encodeEvent, encodeFrame } from '../emulators/bedrock/frames.ts';
import type { ReceivedRequest, Responder } from '../emulators/bedrock/received-request.ts';
import { end, writeHeaders } from '../emulators/bedrock/wire.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { ask, begin, call } from '../support/chain-calls.ts';
import { COUNT_OBJECTS, liveBytes } from '../support/live-objects.ts';
import { converse, converseStream, modelId } from '../support/models.ts';
import { beginCall, nextChunk } from '../support/raw-client.ts';
import { endOf, onRecord, type RequestRecord } from '../support/records.ts';

const EVENT = encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hello' } });
const MEBIBYTE = 1024 * 1024;

let chain: Chain;
let token: string;
beforeAll(async () => {
  chain = await startChain({ nodeArguments: COUNT_OBJECTS, settings: { MAX_REQUEST_BYTES: '10000' } });
  token = await chain.entra.issueToken();
});
afterAll(() => chain.close());
afterEach(() => chain.bedrock.reset());

/** An exchange with the Functions host over an agent that keeps one connection, and the local port of that. */
async function callHost(agent: Agent, method: string, path: string, body = '') {
  const { request, response } = beginCall(chain.host.url + path, {
    method,
    agent,
    headers: { authorization: `Bearer ${token}`, ...(body === '' ? {} : { 'content-length': String(body.length) }) },
  });
  request.end(body);
  const answer = await response;
  return { status: answer.statusCode, body: await text(answer), port: request.socket?.localPort };
}

/** Makes one more call and waits for its record: those of all calls that have ended before are there too. */
async function allRecorded(): Promise<void> {
  await call(chain, '/no-such-operation', { door: 'host', body: null, headers: { authorization: `Bearer ${token}` } });
}

/** The records of all requests that `during` makes, but for those of operations that do not exist. */
async function recordsOf(during: () => Promise<unknown>): Promise<RequestRecord[]> {
  const records: RequestRecord[] = [];
  await allRecorded();
  const off = onRecord(chain.host, (record) => {
    if (record['status'] !== 404) records.push(record);
  });
  try {
    await during();
    await allRecorded();
    return records;
  } finally {
    off();
  }
}

/** Settles when this number has stood still for as long as twenty other calls take. */
async function untilStill(count: () => number, between: () => void = () => {}): Promise<void> {
  for (let still = 0, before = count(); still < 20; before = count()) {
    between();
    await callHost(new Agent(), 'GET', '/no-such-operation');
    still = count() === before ? still + 1 : 0;
  }
}

/** Keeps the request without an answer. */
function held(): { responder: Responder; arrived: Promise<ReceivedRequest> } {
  const arrived = Promise.withResolvers<ReceivedRequest>();
  return { responder: (request) => arrived.resolve(request), arrived: arrived.promise };
}

describe('a caller that leaves: the request to Bedrock ends, and there is one record that says so', () => {
  /** Nobody's error, and no status where no answer had begun. */
  const LEFT = { outcome: 'clientClosed', attempts: 1 };
  const ends = (records: readonly RequestRecord[]) => records.map(endOf);

  it.each([converse, converseStream])('before the headers: %s', async (path) => {
    const { responder, arrived } = held();
    chain.bedrock.answer(responder);
    const records = await recordsOf(async () => {
      const { request } = begin(chain, path);
      const received = await arrived;
      request.destroy();
      await received.aborted;
    });
    expect(ends(records)).toStrictEqual([{ ...LEFT, usageUnknown: 'no answer' }]);
    expect(records[0]).not.toHaveProperty('responseBytes');
  });

  it.each([
    ['an event stream', converseStream, EVENT_STREAM],
    ['server-sent events', '/openai/v1/chat/completions', SSE],
    ['a plain answer', converse, { 'content-type': 'application/json' }],
  ])('before the first byte of %s', async (_name, path, headers) => {
    const stream = controlled(headers);
    chain.bedrock.answer(stream.responder);
    const records = await recordsOf(async () => {
      const { request } = begin(chain, path);
      const received = await stream.started;
      request.destroy();
      await received.aborted;
    });
    expect(ends(records)).toStrictEqual([{ ...LEFT, usageUnknown: 'cut' }]);
    expect(records[0]).not.toHaveProperty('responseBytes');
  });

  it.each([
    ['an event stream', converseStream, EVENT_STREAM, EVENT, { usageUnknown: 'cut' }],
    ['server-sent events', '/openai/v1/chat/completions', SSE, Buffer.from('data: 1\n\n'), { usageUnknown: 'cut' }],
    [
      "Anthropic's events, whose first tells the input",
      '/anthropic/v1/messages',
      SSE,
      Buffer.from('data: {"type":"message_start","message":{"usage":{"input_tokens":3,"output_tokens":1}}}\n\n'),
      { usagePartial: true, tokens: ['inputTokens'] },
    ],
    [
      'a large answer',
      `/model/${modelId}/invoke`,
      { 'content-type': 'image/png' },
      Buffer.alloc(1.5 * MEBIBYTE),
      { usageUnknown: 'cut' },
    ],
  ])('in the middle of %s', async (_name, path, headers, first, known) => {
    const stream = controlled(headers);
    chain.bedrock.answer(stream.responder);
    const records = await recordsOf(async () => {
      const { request, response } = begin(chain, path);
      await stream.send(first);
      await nextChunk(await response);
      request.destroy();
      await (
        await stream.started
      ).aborted;
    });
    expect(ends(records)).toStrictEqual([{ ...LEFT, status: 200, ...known }]);
    expect(records[0]?.['responseBytes']).toBeGreaterThan(0);
  });

  it.each([
    ['a plain answer', `/model/${modelId}/invoke`, { 'content-type': 'image/png' }, Buffer.alloc(MEBIBYTE)],
    ['an event stream', converseStream, EVENT_STREAM, encodeFrame({ ':event-type': 'chunk' }, Buffer.alloc(MEBIBYTE))],
  ])('when it has stopped to read, and %s stands still all the way', async (_name, path, headers, piece) => {
    const stream = controlled(headers);
    chain.bedrock.answer(stream.responder);
    const records = await recordsOf(async () => {
      const { request, response } = begin(chain, path);
      let sent = 0;
      const sending = (async () => {
        for (; ; sent += 1) await stream.send(piece);
      })();
      sending.catch(() => {});
      await response;
      await untilStill(() => sent);
      request.destroy();
      const received = await stream.started;
      await received.aborted;
    });
    expect(ends(records)).toStrictEqual([{ ...LEFT, status: 200, usageUnknown: 'cut' }]);
  });

  it('in the middle of its upload: Bedrock hears of nothing', async () => {
    const records = await recordsOf(async () => {
      const headers = { authorization: `Bearer ${token}`, 'transfer-encoding': 'chunked' };
      const { request } = begin(chain, converse, { door: 'host', open: true, headers });
      request.write('{"messages":');
      // Later calls are through: the upload, which came before, has begun.
      const agent = new Agent();
      for (let others = 0; others < 3; others += 1) await callHost(agent, 'GET', '/no-such-operation');
      const logged = Promise.withResolvers<void>();
      const stop = onRecord(chain.host, () => logged.resolve());
      request.destroy();
      await logged.promise;
      stop();
    });
    expect(ends(records)).toStrictEqual([{ outcome: 'clientClosed' }]);
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('by closing its half of the connection, which Kestrel takes for leaving', async () => {
    const { responder, arrived } = held();
    chain.bedrock.answer(responder);
    const records = await recordsOf(async () => {
      const socket = connect({ port: chain.host.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.write(rawRequest('POST', converse, '{"messages":[]}'));
      const received = await arrived;
      socket.end();
      await received.aborted;
      socket.destroy();
    });
    expect(ends(records)).toStrictEqual([{ ...LEFT, usageUnknown: 'no answer' }]);
  });

  it('a hundred at the same time', async () => {
    const arrived: Promise<ReceivedRequest>[] = [];
    for (let count = 0; count < 100; count += 1) {
      const one = held();
      chain.bedrock.answer(one.responder);
      arrived.push(one.arrived);
    }
    const records = await recordsOf(async () => {
      const calls = arrived.map(() => begin(chain, converse));
      const received = await Promise.all(arrived);
      for (const { request } of calls) request.destroy();
      await Promise.all(received.map(({ aborted }) => aborted));
    });
    expect(records).toHaveLength(100);
    expect(new Set(records.map((record) => record['outcome']))).toStrictEqual(new Set(['clientClosed']));
    expect(new Set(records.map((record) => record['requestId'])).size).toBe(100);
  });
});

function rawRequest(method: string, path: string, body = '', headers = ''): string {
  return `${method} ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\ncontent-length: ${body.length}\r\n${headers}\r\n${body}`;
}

describe('a caller that hardly reads an answer of 400 MiB', () => {
  const PIECES = 400;
  const LIMIT = 16 * MEBIBYTE;

  it.each([
    ['that is not a stream', `/model/${modelId}/invoke`, { 'content-type': 'image/png' }, Buffer.alloc(MEBIBYTE)],
    ['in frames', converseStream, EVENT_STREAM, encodeFrame({ ':event-type': 'chunk' }, Buffer.alloc(MEBIBYTE - 100))],
    ['in events', '/anthropic/v1/messages', SSE, Buffer.from(`data: ${'x'.repeat(MEBIBYTE - 8)}\n\n`)],
  ])('%s: the worker holds less than 16 MiB of it, and nothing is lost', async (_name, path, headers, piece) => {
    // What is kept after any such answer is kept by the first.
    await readAll(path, headers, piece, 60);
    const before = await liveBytes(chain.host);

    const stream = controlled(headers);
    chain.bedrock.answer(stream.responder);
    const { response } = begin(chain, path);
    let sent = 0;
    const sending = (async () => {
      for (; sent < PIECES; sent += 1) await stream.send(piece);
      await stream.end();
    })();
    const answer = await response;
    let received = 0;
    // A kilobyte at a time, until Bedrock has stood still for as long as it takes to read twenty.
    await untilStill(
      () => sent,
      () => {
        const chunk: unknown = answer.read(1024) ?? answer.read();
        if (chunk instanceof Buffer) received += chunk.length;
      },
    );
    expect(sent).toBeLessThan(PIECES / 2);
    expect((await liveBytes(chain.host)) - before).toBeLessThan(LIMIT);
    for await (const chunk of answer) received += (chunk as Buffer).length;
    await sending;
    expect(received).toBe(PIECES * piece.length);
    expect((await liveBytes(chain.host)) - before).toBeLessThan(LIMIT);
  });

  async function readAll(path: string, headers: Record<string, string>, piece: Buffer, pieces: number) {
    const stream = controlled(headers);
    chain.bedrock.answer(stream.responder);
    const read = begin(chain, path).response.then(buffer);
    for (let sent = 0; sent < pieces; sent += 1) await stream.send(piece);
    await stream.end();
    await read;
  }
});

describe('many callers', () => {
  it('500 streams, all open at the same time, are each complete', async () => {
    const COUNT = 500;
    let open = 0;
    const allOpen = Promise.withResolvers<void>();
    chain.bedrock.answer(
      async ({ body }, response) => {
        await writeHeaders(response, 200, EVENT_STREAM);
        response.write(EVENT);
        open += 1;
        if (open === COUNT) allOpen.resolve();
        await allOpen.promise;
        await end(response, encodeFrame({ ':event-type': 'echo' }, body));
      },
      { times: COUNT },
    );
    const bodies = Array.from({ length: COUNT }, (_, index) => `{"messages":[],"caller":${index}}`);
    const answers = await Promise.all(bodies.map((body) => ask(chain, converseStream, { body })));
    const wrong = answers.filter(
      ({ body, complete }, index) =>
        !complete || !body.equals(Buffer.concat([EVENT, encodeFrame({ ':event-type': 'echo' }, bodies[index] ?? '')])),
    );
    expect(wrong).toHaveLength(0);
    expect(chain.bedrock.activeRequests).toBe(0);
  });
});

describe('what HTTP/1.1 allows a caller', () => {
  it.each([
    ['gateway', () => ({})],
    ['host', () => ({ authorization: `Bearer ${token}` })],
  ] as const)('Expect: 100-continue, to the %s', async (door, credential) => {
    const headers = { ...credential(), expect: '100-continue', 'content-length': '15' };
    const { request, response } = begin(chain, converse, { door, open: true, headers });
    const proceed = once(request, 'continue');
    request.flushHeaders();
    await proceed;
    request.end('{"messages":[]}');
    expect((await response).statusCode).toBe(200);
    const [received] = chain.bedrock.requests;
    expect(received?.headers).not.toHaveProperty('expect');
    expect(String(received?.body)).toBe('{"messages":[]}');
  });

  it('pipelined requests are answered in their order', async () => {
    const socket = connect(chain.host.port, '127.0.0.1');
    socket.write(
      rawRequest('POST', converse, '{"messages":[]}') +
        rawRequest('GET', '/no-such-operation') +
        rawRequest('POST', converseStream, '{"messages":[]}') +
        rawRequest('GET', '/health', '', 'connection: close\r\n'),
    );
    const answers = await text(socket);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toStrictEqual([
      'HTTP/1.1 200',
      'HTTP/1.1 404',
      'HTTP/1.1 200',
      'HTTP/1.1 200',
    ]);
    expect(answers.indexOf('UnknownOperationException')).toBeLessThan(answers.indexOf('contentBlockDelta'));
    expect(chain.bedrock.requests.map(({ operation }) => operation).toSorted()).toStrictEqual([
      'Converse',
      'ConverseStream',
    ]);
  });

  it('HEAD has the headers of a refusal, no body, and leaves the connection as it was', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const head = await callHost(agent, 'HEAD', converse);
    expect(head).toMatchObject({ status: 404, body: '' });
    const next = await callHost(agent, 'POST', converse, '{"messages":[]}');
    expect(next).toMatchObject({ status: 200, port: head.port });
    agent.destroy();
  });

  it('a connection whose last answer was a stream is used again', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const first = await callHost(agent, 'POST', converseStream, '{"messages":[]}');
    const second = await callHost(agent, 'POST', converseStream, '{"messages":[]}');
    expect(second).toMatchObject({ status: 200, port: first.port });
    agent.destroy();
  });

  it.each([
    ['too large by counting', converse, 413, () => `Bearer ${token}`],
    ['to an unknown operation', '/no-such-operation', 404, () => `Bearer ${token}`],
    ['without a valid token', converse, 401, () => 'Bearer none'],
  ])(
    'an upload %s is refused at its end, and the connection serves the next call',
    async (_name, path, status, bearer) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const { request, response } = beginCall(chain.host.url + path, {
        method: 'POST',
        agent,
        headers: { authorization: bearer(), 'transfer-encoding': 'chunked' },
      });
      request.write(Buffer.alloc(12_000));
      request.end(Buffer.alloc(1000));
      const refusal = await response;
      const port = refusal.socket.localPort;
      expect(refusal.statusCode).toBe(status);
      await text(refusal);
      const next = await callHost(agent, 'POST', converse, '{"messages":[]}');
      expect(next).toMatchObject({ status: 200, port });
      expect(chain.bedrock.requests).toHaveLength(1);
      agent.destroy();
    },
  );
});
