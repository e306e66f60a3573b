import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32, gzipSync } from 'node:zlib';

import {
  BedrockRuntimeClient,
  ConverseStreamCommand,
  ModelStreamErrorException,
} from '@aws-sdk/client-bedrock-runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { sendAnswer } from '../emulators/bedrock/answer.ts';
import { defaultAnswer } from '../emulators/bedrock/answers.ts';
import { flood, raw } from '../emulators/bedrock/faults.ts';
import { encodeEvent, encodeException, encodeFrame } from '../emulators/bedrock/frames.ts';
import type { Responder } from '../emulators/bedrock/received-request.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { type Listening, listen } from '../support/listen.ts';
import { COUNT_OBJECTS, liveBytes } from '../support/live-objects.ts';
import { begin, recordOf } from '../support/chain-calls.ts';
import { nextChunk } from '../support/raw-client.ts';
import { selfSignedCertificate } from '../support/self-signed-certificate.ts';
import { converse, converseStream, modelId } from '../support/models.ts';
import { DEADLINES_BY_HAND, passDeadlines } from '../support/worker-deadlines.ts';

const INVOKE = `/model/${modelId}/invoke`;
const CHAT = '/openai/v1/chat/completions';

const MEGABYTE = 1024 * 1024;

/** Bytes that may leave Bedrock before it is hung up on: what the sockets of both sides hold, and what was read. */
const MOST_SENT = 32 * MEGABYTE;

let chain: Chain;
/** One that no longer waits for headers when a test says so. */
let attentive: Chain;
beforeAll(async () => {
  const settings = { UPSTREAM_HEADERS_TIMEOUT_SECONDS: '200' };
  [chain, attentive] = await Promise.all([
    startChain({ nodeArguments: COUNT_OBJECTS }),
    startChain({ nodeArguments: DEADLINES_BY_HAND, settings }),
  ]);
});
afterAll(() => Promise.all([chain.close(), attentive.close()]));
afterEach(() => chain.bedrock.reset());

/** Calls through the gateway, as soon as Bedrock is set to answer so; resolves with the head of what came back. */
function call(path: string, answer?: Responder, through = chain): Promise<IncomingMessage> {
  if (answer !== undefined) through.bedrock.answer(answer);
  return begin(through, path, { headers: { 'x-amzn-bedrock-call': randomUUID() }, body: '{}' }).response;
}

/** What the proxy makes of an answer that is none. */
async function expectRefusal(answer: IncomingMessage, refusal: string, outcome: string, through = chain) {
  expect(`${answer.statusCode} ${answer.headers['x-amzn-errortype']}`).toBe(refusal);
  expect(JSON.parse(String(await buffer(answer)))).toMatchObject({ message: expect.any(String) });
  expect(await recordOf(through, answer)).toMatchObject({ outcome, errorSource: 'bedrock', attempts: 1 });
}

const expectBroken = (answer: IncomingMessage, through = chain) =>
  expectRefusal(answer, '503 ServiceUnavailableException', 'upstreamBroke', through);
const expectTimeout = (answer: IncomingMessage) =>
  expectRefusal(answer, '408 ModelTimeoutException', 'timedOut', attentive);

/** Head of an answer, which is the last one on its connection. */
function head(status: string, ...fields: string[]): string {
  return [`HTTP/1.1 ${status}`, 'Connection: close', ...fields, '', ''].join('\r\n');
}

function chunk(bytes: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), Buffer.from(bytes), Buffer.from('\r\n')]);
}

const END = chunk('');
const CHUNKED = 'Transfer-Encoding: chunked';

/** An answer in chunks, up to and without its end. */
function chunks(fields: readonly string[], ...pieces: (string | Buffer)[]): Buffer {
  return Buffer.concat([Buffer.from(head('200 OK', ...fields, CHUNKED)), ...pieces.map(chunk)]);
}

const EVENTS = ['Content-Type: application/vnd.amazon.eventstream'];
const EVENT = encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hello' } });

describe('no connection', () => {
  let tls: Listening;
  let requests = 0;
  beforeAll(async () => {
    const server = createTlsServer(await selfSignedCertificate('localhost'));
    server.on('request', () => {
      requests += 1;
    });
    tls = await listen(server);
  });
  afterAll(() => tls.close());

  it.each([
    ['nobody listens', () => 'http://127.0.0.1:1', /ECONNREFUSED/],
    // RFC 6761 section 6.4: no resolver knows it.
    ['the name is unknown', () => 'https://bedrock.invalid', /ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT/],
    ['the certificate is signed by itself', () => tls.url.replace('http:', 'https:'), /SELF_SIGNED_CERT/],
  ])('%s', async (_name, endpoint, cause) => {
    const other = await startChain({ settings: { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: endpoint() } });
    const answer = await call(converse, undefined, other);
    await expectBroken(answer, other);
    const id = String(answer.headers['x-ms-invocation-id']);
    const failures = other.host.logs.filter(({ message }) => /"bedrock.failure"/.test(message) && message.includes(id));
    expect(failures).toHaveLength(1);
    expect(failures[0]?.message).toMatch(cause);
    expect(requests).toBe(0);
    await other.close();
  });
});

describe('heads', () => {
  it.each<[string, string]>([
    ['status 000', head('000 None', 'Content-Length: 0')],
    ['status 099', head('099 Odd', 'Content-Length: 0')],
    ['status 600', head('600 Odd', 'Content-Length: 0')],
    ['status 999', head('999 Odd', 'Content-Length: 0')],
    ['a status of two digits', head('20 OK', 'Content-Length: 0')],
    ['a status of four digits', head('2000 OK', 'Content-Length: 0')],
    ['another protocol', 'HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n'],
    // undici takes it for an error unless the request has asked for it.
    ['100, which nobody has asked for', `HTTP/1.1 100 Continue\r\n\r\n${head('200 OK', 'Content-Length: 0')}`],
    ['a control character in a field', head('200 OK', 'X-A: a\u0001b', 'Content-Length: 0')],
    ['two lengths', head('200 OK', 'Content-Length: 2', 'Content-Length: 3')],
    ['a length and chunks', `${head('200 OK', 'Content-Length: 2', CHUNKED)}0\r\n\r\n`],
    ['one field of a megabyte', head('200 OK', `X-A: ${'a'.repeat(MEGABYTE)}`)],
    ['thousands of fields', head('200 OK', ...Array.from({ length: 20_000 }, (_, index) => `X-${index}: a`))],
  ])('%s: no answer', async (_name, bytes) => {
    await expectBroken(await call(converse, raw(bytes)));
    expect(chain.bedrock.requests).toHaveLength(1);
  });

  it('fields without end: Bedrock is hung up on', async () => {
    const hungUp = Promise.withResolvers<number>();
    const endless = raw('HTTP/1.1 200 OK\r\n', (socket) =>
      flood(socket, 'X-A: a\r\n'.repeat(1000)).then(hungUp.resolve),
    );
    await expectBroken(await call(converse, endless));
    expect(await hungUp.promise).toBeLessThan(MOST_SENT);
  });

  it.each([
    ['fields that drip', 'HTTP/1.1 200 OK\r\n', 'X-A: a\r\n'],
    ['interim answers without a last one', '', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ])('%s', async (_name, begun, piece) => {
    const dripping = raw(begun, async (socket) => {
      for (let count = 0; !socket.destroyed; count += 1) {
        socket.write(piece);
        if (count === 10) void passDeadlines(attentive.host);
        await sleep(20);
      }
    });
    await expectTimeout(await call(converse, dripping, attentive));
  });

  it('interim answers before it', async () => {
    const interim = 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n';
    const answer = await call(converse, raw(`${interim}${head('200 OK', 'Content-Length: 2')}{}`));
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).not.toHaveProperty('link');
    expect(String(await buffer(answer))).toBe('{}');
  });

  it('a field of 8 KB', async () => {
    const value = 'a'.repeat(8192);
    const answer = await call(converse, raw(`${head('200 OK', `X-A: ${value}`, 'Content-Length: 2')}{}`));
    expect(answer.headers['x-a']).toBe(value);
  });

  it('a field twice stays two fields', async () => {
    const fields = ['Set-Cookie: a=1; Path=/', 'Set-Cookie: b=2', 'Content-Length: 2'];
    const answer = await call(converse, raw(`${head('200 OK', ...fields)}{}`));
    expect(answer.headers['set-cookie']).toStrictEqual(['a=1; Path=/', 'b=2']);
  });

  it('bytes above 127 in a field do no harm to the others', async () => {
    const fields = ['X-Latin: caf\xe9', 'X-Utf8: caf\xc3\xa9', 'X-Amzn-Note: kept', 'Content-Length: 2'];
    const answer = await call(converse, raw(`${head('200 OK', ...fields)}{}`));
    expect(answer).toMatchObject({ statusCode: 200, headers: { 'x-amzn-note': 'kept' } });
    expect(String(await buffer(answer))).toBe('{}');
  });

  it('trailing fields: the body is whole without them', async () => {
    const bytes = Buffer.concat([chunks(['Trailer: X-Sum'], '{}'), Buffer.from('0\r\nX-Sum: abc\r\n\r\n')]);
    const answer = await call(converse, raw(bytes));
    expect(String(await buffer(answer))).toBe('{}');
    expect(answer.complete).toBe(true);
    expect(answer.headers).not.toHaveProperty('trailer');
  });
});

describe('statuses', () => {
  it.each([
    ['204 No Content', 'X-A: b'],
    ['204 No Content', 'Content-Length: 2'],
    ['205 Reset Content', 'Content-Length: 0'],
    ['205 Reset Content', 'Content-Length: 2'],
    ['304 Not Modified', 'ETag: "a"'],
    ['304 Not Modified', 'Content-Length: 2'],
  ])('%s, %s: an end, and nothing before it', async (status, field) => {
    const answer = await call(converse, raw(`${head(status, field)}${status.startsWith('205') ? 'no' : ''}`));
    expect(answer.statusCode).toBe(Number.parseInt(status, 10));
    // Of these, only that of a 304 may be told: it is the length of another answer.
    expect(answer.headers['content-length'] ?? '0').toBe(status.startsWith('304') && field.endsWith('2') ? '2' : '0');
    expect((await buffer(answer)).length).toBe(0);
    expect(await recordOf(chain, answer)).toMatchObject({ outcome: 'complete' });
  });

  it.each([300, 301, 302, 303, 307, 308])('%i is not followed', async (status) => {
    const location = `${chain.bedrock.url}/model/other/converse`;
    const answer = await call(converse, raw(head(`${status} Moved`, `Location: ${location}`, 'Content-Length: 0')));
    expect(answer).toMatchObject({ statusCode: status, headers: { location } });
    await buffer(answer);
    expect(chain.bedrock.requests).toHaveLength(1);
  });

  it.each([400, 401, 403, 404, 408, 409, 413, 418, 424, 429, 431, 451, 499, 500, 501, 502, 503, 504, 529, 599])(
    '%i, byte for byte',
    async (status) => {
      const body = randomBytes(5000);
      const fields = ['Content-Type: text/html', 'X-Amzn-Note: kept', 'Retry-After: 7'];
      const bytes = Buffer.concat([
        Buffer.from(head(`${status} Odd`, ...fields, `Content-Length: ${body.length}`)),
        body,
      ]);
      const answer = await call(converse, raw(bytes));
      expect(answer.statusCode).toBe(status);
      expect(answer.headers).toMatchObject({ 'content-type': 'text/html', 'x-amzn-note': 'kept', 'retry-after': '7' });
      expect(answer.headers).not.toHaveProperty('x-amzn-errortype');
      expect((await buffer(answer)).equals(body)).toBe(true);
      expect(await recordOf(chain, answer)).toMatchObject({ status, outcome: 'complete', errorSource: 'bedrock' });
      expect(chain.bedrock.requests).toHaveLength(1);
    },
  );
});

describe('plain bodies', () => {
  it.each([
    ['an end that nothing tells from a break', head('200 OK')],
    ['the same, behind another coding', head('200 OK', 'Transfer-Encoding: gzip')],
  ])('%s', async (_name, bytes) => {
    await expectBroken(
      await call(
        converse,
        raw(`${bytes}{"output":`, (socket) => socket.end()),
      ),
    );
  });

  it('less than the length says', async () => {
    await expectBroken(
      await call(
        converse,
        raw(`${head('200 OK', 'Content-Length: 10')}{}`, (socket) => socket.end()),
      ),
    );
  });

  it('more than the length says: the rest is no answer to anybody', async () => {
    const answer = await call(converse, raw(`${head('200 OK', 'Content-Length: 2')}{}${head('200 OK')}forged`));
    expect(String(await buffer(answer))).toBe('{}');
    expect(String(await buffer(await call(converse)))).toContain('output');
  });

  it('without end: memory stays, and Bedrock is hung up on with the caller', async () => {
    const hungUp = Promise.withResolvers<number>();
    const piece = chunk(randomBytes(65_536)).toString('latin1');
    const endless = raw(head('200 OK', 'Content-Type: image/png', CHUNKED), (socket) =>
      flood(socket, piece).then(hungUp.resolve),
    );
    const before = await liveBytes(chain.host);
    const answer = await call(INVOKE, endless);
    for (let read = 0; read < 60 * MEGABYTE;) read += (await nextChunk(answer))?.length ?? Infinity;
    const growth = (await liveBytes(chain.host)) - before;
    answer.destroy();
    await hungUp.promise;
    expect(growth).toBeLessThan(20 * MEGABYTE);
  });
});

describe('event streams', () => {
  let client: BedrockRuntimeClient;
  beforeAll(() => {
    client = new BedrockRuntimeClient({ ...chain.clientConfig(), maxAttempts: 1 });
  });
  afterAll(() => client.destroy());

  /** A prelude that says what it is told to, with the right checksum, and some bytes that might be the rest. */
  function frame(length: number, headersLength = 0): Buffer {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32BE(length, 0);
    bytes.writeUInt32BE(headersLength, 4);
    bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
    return bytes;
  }

  function altered(bytes: Buffer, at: number): Buffer {
    const copy = Buffer.from(bytes);
    copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
    return copy;
  }

  const DAMAGED: [string, Buffer][] = [
    ['text', Buffer.from('<html><body>Service Unavailable</body></html>')],
    ['noise', Buffer.from('00112233445566778899aabbccddeeff0011223344556677', 'hex')],
    ['a bad checksum of the prelude', altered(EVENT, 8)],
    ['a length of 0', frame(0)],
    ['a length of 15', frame(15)],
    ['a length above 24 MiB', frame(24 * MEGABYTE + 1)],
    ['a length of 4 GB', frame(0xff_ff_ff_ff)],
    ['headers longer than the message', frame(64, 49)],
  ];

  it.each(DAMAGED)('%s as the first message', async (_name, bytes) => {
    await expectBroken(await call(converseStream, raw(chunks(EVENTS, bytes))));
  });

  it.each(DAMAGED)('%s after a message: an exception, and Bedrock is hung up on', async (_name, bytes) => {
    const hungUp = Promise.withResolvers<number>();
    const piece = chunk(Buffer.alloc(65_536)).toString('latin1');
    chain.bedrock.answer(raw(chunks(EVENTS, EVENT, bytes), (socket) => flood(socket, piece).then(hungUp.resolve)));
    const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages: [] }));
    const received: unknown[] = [];
    const reading = (async () => {
      for await (const event of stream ?? []) received.push(event);
    })();
    await expect(reading).rejects.toBeInstanceOf(ModelStreamErrorException);
    expect(received).toStrictEqual([{ contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'Hello' } } }]);
    expect(await hungUp.promise).toBeLessThan(MOST_SENT);
  });

  it('a whole message and a bad one in the same piece: the whole one is seen', async () => {
    chain.bedrock.answer(raw(chunks(EVENTS, Buffer.concat([EVENT, frame(3)]))));
    const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages: [] }));
    const received: unknown[] = [];
    const reading = (async () => {
      for await (const event of stream ?? []) received.push(event);
    })();
    await expect(reading).rejects.toBeInstanceOf(ModelStreamErrorException);
    expect(received).toHaveLength(1);
  });

  it.each([
    ['a bad checksum of a message', altered(EVENT, EVENT.length - 1)],
    ['a damaged payload', altered(EVENT, EVENT.length - 10)],
    ['an exception of Bedrock', encodeException('throttlingException', 'Slow down.')],
    ['an exception that nobody knows', encodeException('teapotException', 'Short and stout.')],
    [
      'an error message',
      encodeFrame({ ':message-type': 'error', ':error-code': 'InternalFailure', ':error-message': 'Sorry.' }, ''),
    ],
    ['an empty message', encodeFrame({}, '')],
  ])('%s passes untouched', async (_name, bytes) => {
    const sent = [EVENT, bytes, EVENT];
    const answer = await call(converseStream, raw(Buffer.concat([chunks(EVENTS, ...sent), END])));
    expect((await buffer(answer)).equals(Buffer.concat(sent))).toBe(true);
    expect(await recordOf(chain, answer)).toMatchObject({ status: 200, outcome: 'complete' });
  });

  describe('with a content coding', () => {
    const coded = gzipSync(Buffer.concat([EVENT, EVENT]));
    const fields = [...EVENTS, 'Content-Encoding: gzip'];

    it('passes untouched', async () => {
      const answer = await call(converseStream, raw(Buffer.concat([chunks(fields, coded), END])));
      expect(answer.headers['content-encoding']).toBe('gzip');
      expect((await buffer(answer)).equals(coded)).toBe(true);
    });

    it('does not look complete when it is cut', async () => {
      const cut = raw(chunks(fields, coded.subarray(0, 40)), (socket) => socket.resetAndDestroy());
      await expectBroken(await call(converseStream, cut));
    });
  });
});

describe('server-sent events', () => {
  const FIELDS = ['Content-Type: text/event-stream'];

  it('an event without end as the first', async () => {
    const piece = chunk('x'.repeat(65_536)).toString('latin1');
    await expectBroken(
      await call(
        CHAT,
        raw(chunks(FIELDS, 'data: '), (socket) => flood(socket, piece)),
      ),
    );
  });

  it('an event without end after a whole one', async () => {
    const piece = chunk('x'.repeat(65_536)).toString('latin1');
    const answer = await call(
      CHAT,
      raw(chunks(FIELDS, 'data: 1\n\n', 'data: '), (socket) => flood(socket, piece)),
    );
    const pieces: Buffer[] = [];
    answer.on('data', (bytes: Buffer) => pieces.push(bytes));
    await expect(once(answer, 'end')).rejects.toThrow('aborted');
    expect(String(Buffer.concat(pieces))).toMatch(/^data: 1\n\ndata: \{"error":\{[^\n]+\}\}\n\n$/);
    expect(await recordOf(chain, answer)).toMatchObject({ status: 200, outcome: 'upstreamBroke' });
  });

  it('an event in millions of chunks: memory stays', async () => {
    const patient = await startChain({ nodeArguments: COUNT_OBJECTS });
    onTestFinished(() => patient.close());
    const pieces = Buffer.from('1\r\nx\r\n'.repeat(10_000));
    const before = await liveBytes(patient.host);
    const held = Promise.withResolvers<number>();
    const tiny = raw(chunks(FIELDS, 'data: '), async (socket: Socket) => {
      for (let count = 0; count < 300; count += 1) {
        await new Promise<void>((resolve) => {
          socket.write(pieces, () => resolve());
        });
      }
      held.resolve(await liveBytes(patient.host));
      socket.resetAndDestroy();
    });
    await expectBroken(await call(CHAT, tiny, patient), patient);
    // What the sockets do not hold of the three million bytes is with the worker: a hundred bytes for each were 100 MB.
    expect((await held.promise) - before).toBeLessThan(20 * MEGABYTE);
  });
});

describe('there is no room to hold an answer, which is paid', () => {
  let small: Chain;
  beforeAll(async () => {
    small = await startChain({ settings: { MAX_REQUEST_BYTES: '100000', MAX_BUFFERED_BYTES: '200000' } });
  });
  afterAll(() => small.close());

  const HUGE = encodeEvent('chunk', { bytes: 'a'.repeat(300_000) });

  it.each([
    ['the first', [HUGE]],
    ['a later', [EVENT, HUGE]],
  ])('%s message of a stream: it passes', async (_name, messages) => {
    const bytes = Buffer.concat([chunks(EVENTS, ...messages), END]);
    const answer = await call(converseStream, raw(bytes), small);
    expect(answer.statusCode).toBe(200);
    expect((await buffer(answer)).equals(Buffer.concat(messages))).toBe(true);
    expect(await recordOf(small, answer)).toMatchObject({ outcome: 'complete' });
  });

  it.each([150_000, 300_000])('a plain answer of %i bytes: it flows', async (length) => {
    const body = Buffer.alloc(length, 'x');
    const answer = await call(INVOKE, raw(Buffer.concat([chunks([], body), END])), small);
    expect(answer.statusCode).toBe(200);
    expect((await buffer(answer)).equals(body)).toBe(true);
    expect(await recordOf(small, answer)).toMatchObject({ outcome: 'complete' });
  });

  it('and is cut: the connection breaks, whatever the length', async () => {
    const answer = await call(
      INVOKE,
      raw(chunks([], Buffer.alloc(150_000)), (socket) => socket.destroy()),
      small,
    );
    expect(answer.statusCode).toBe(200);
    await expect(buffer(answer)).rejects.toThrow('aborted');
    expect(await recordOf(small, answer)).toMatchObject({ outcome: 'upstreamBroke' });
  });
});

describe('a connection that is used again', () => {
  /** Answers as usual and notes the connection. */
  function noting(sockets: Socket[]): Responder {
    return (request, response) => {
      if (response.socket !== null) sockets.push(response.socket);
      return sendAnswer(response, defaultAnswer(request));
    };
  }

  async function readWhole(answer: IncomingMessage): Promise<string> {
    const body = await buffer(answer);
    return answer.statusCode === 200 && body.length > 0 ? 'whole' : `${answer.statusCode}`;
  }

  it.each<[string, (socket: Socket) => void]>([
    ['closed', (socket) => socket.end()],
    ['reset', (socket) => socket.resetAndDestroy()],
  ])('was %s by Bedrock while idle: the next call takes another', async (_name, end) => {
    const sockets: Socket[] = [];
    expect(await readWhole(await call(converse, noting(sockets)))).toBe('whole');
    const [socket] = sockets;
    if (socket === undefined) throw new Error('no connection');
    end(socket);
    if (!socket.closed) await once(socket, 'close');
    expect(await readWhole(await call(converse, noting(sockets)))).toBe('whole');
    expect(chain.bedrock.requests).toHaveLength(2);
    expect(sockets[1]).not.toBe(socket);
  });

  it('breaks with the request on it: a typed 503, and nothing is sent twice', async () => {
    const sockets: Socket[] = [];
    expect(await readWhole(await call(converse, noting(sockets)))).toBe('whole');
    const breaking: Responder = (_request, { socket }) => {
      if (socket !== null) sockets.push(socket);
      socket?.resetAndDestroy();
    };
    await expectBroken(await call(converse, breaking));
    expect(sockets[1]).toBe(sockets[0]);
    expect(chain.bedrock.requests).toHaveLength(2);
    expect(await readWhole(await call(converse))).toBe('whole');
  });

  it('closed at the very moment of the next call: whole or a typed 503, and never twice', async () => {
    const sockets: Socket[] = [];
    const endings: string[] = [];
    for (let count = 0; count < 30; count += 1) {
      const answer = await call(converse, noting(sockets));
      sockets.at(-1)?.end();
      endings.push(answer.statusCode === 200 ? await readWhole(answer) : `${answer.headers['x-amzn-errortype']}`);
    }
    const whole = endings.filter((ending) => ending === 'whole').length;
    const refused = endings.filter((ending) => ending === 'ServiceUnavailableException').length;
    expect(whole + refused).toBe(30);
    const ids = chain.bedrock.requests.map(({ headers }) => headers['x-amzn-bedrock-call']);
    expect(new Set(ids).size).toBe(ids.length);
    expect(await readWhole(await call(converse))).toBe('whole');
  });
});

it('after all of this, the worker is the one that was started, and found no defect of its own', () => {
  expect(chain.host.restarts).toBe(0);
  expect(chain.host.logs.filter(({ message }) => message.includes('"bedrock.defect"'))).toStrictEqual([]);
});
