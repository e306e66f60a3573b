import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type BufferBudget, createBufferBudget } from '../../../src/buffer-budget.ts';
import { ProxyError } from '../../../src/errors.ts';
import type { BodyLimits } from '../../../src/http/body.ts';
import { type Body, readBody, type Rewrite } from '../../../src/proxy/request-body.ts';
import { type Listening, listen } from '../../support/listen.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

const HOUR = 3_600_000;
const LIMIT = 100_000;

let server: Listening;
let budget: BufferBudget;
let clock: ManualClock;
let limits: BodyLimits;
let rewrite: Rewrite | undefined;
/** What happens before the body is read, and what the reading came to. */
let before: (request: IncomingMessage) => Promise<unknown>;
let outcomes: (Body | ProxyError)[];
let settled: PromiseWithResolvers<void>;

beforeEach(async () => {
  budget = createBufferBudget(2 * LIMIT);
  clock = manualClock();
  limits = { requestBytes: LIMIT, uploadMs: HOUR };
  rewrite = undefined;
  before = async () => {};
  outcomes = [];
  settled = Promise.withResolvers();
  server = await listen(createServer((request, response) => void answer(request, response)));
});

afterEach(() => server.close());

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await before(request);
  const outcome = await readBody(request, limits, budget.lease(), rewrite, clock).catch(
    (error: unknown) => error as ProxyError,
  );
  outcomes.push(outcome);
  response.writeHead(outcome instanceof ProxyError ? outcome.status : 200);
  response.end(outcome instanceof ProxyError ? outcome.failure : outcome.sha256);
  settled.resolve();
}

interface Client {
  readonly socket: Socket;
  send(...pieces: (string | Buffer)[]): void;
  /** Status and body of the next answer. */
  answer(): Promise<[number, string]>;
}

async function client(): Promise<Client> {
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  let received = '';
  let arrival = Promise.withResolvers<void>();
  socket.on('error', () => {});
  const wake = () => {
    arrival.resolve();
    arrival = Promise.withResolvers();
  };
  socket.on('close', wake).on('data', (chunk) => {
    received += chunk.toString('latin1');
    wake();
  });
  return {
    socket,
    send: (...pieces) => pieces.forEach((piece) => socket.write(piece)),
    async answer() {
      for (;;) {
        const match = /^HTTP\/1\.1 (\d+)[\s\S]*?\r\n\r\n([0-9a-f]+)\r\n([^\r]*)\r\n0\r\n\r\n/.exec(received);
        if (match !== null) {
          received = received.slice(match[0].length);
          return [Number(match[1]), match[3] ?? ''];
        }
        if (socket.closed) throw new Error(`closed after ${JSON.stringify(received)}`);
        await arrival.promise;
      }
    },
  };
}

function head(...fields: string[]): string {
  return ['POST / HTTP/1.1', 'Host: x', ...fields, '', ''].join('\r\n');
}

function chunked(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function onlyBody(): Body {
  const [outcome] = outcomes;
  if (outcome === undefined || outcome instanceof ProxyError) throw new Error('no body was read');
  return outcome;
}

describe('a body', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a byte', Buffer.from('x')],
    ['text', Buffer.from('{"messages":[]}')],
    ['as much as is allowed', randomBytes(LIMIT)],
  ])('with its length: %s', async (_name, bytes) => {
    const { send, answer: next } = await client();
    send(head(`Content-Length: ${bytes.length}`), bytes);
    expect(await next()).toStrictEqual([200, sha256(bytes)]);
    expect(Buffer.concat(onlyBody().chunks).equals(bytes)).toBe(true);
    expect(onlyBody().length).toBe(bytes.length);
    expect(budget.used).toBe(bytes.length);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['as much as is allowed', randomBytes(LIMIT)],
  ])('in chunks: %s', async (_name, bytes) => {
    const { send, answer: next } = await client();
    send(head('Transfer-Encoding: chunked'));
    for (let at = 0; at < bytes.length; at += 30_011) send(chunked(bytes.subarray(at, at + 30_011)));
    send('0\r\n\r\n');
    expect(await next()).toStrictEqual([200, sha256(bytes)]);
    expect(Buffer.concat(onlyBody().chunks).equals(bytes)).toBe(true);
    expect(budget.used).toBe(bytes.length);
  });

  it('neither length nor chunks is none', async () => {
    const { send, answer: next } = await client();
    send(head());
    expect(await next()).toStrictEqual([200, sha256(Buffer.alloc(0))]);
    expect(onlyBody()).toMatchObject({ length: 0, chunks: [] });
  });

  it('in the smallest chunks is held in few pieces', async () => {
    const bytes = randomBytes(20_000);
    const { send, answer: next } = await client();
    send(head('Transfer-Encoding: chunked'));
    send(Buffer.concat([...bytes].map((byte) => chunked(Buffer.from([byte])))), '0\r\n\r\n');
    expect(await next()).toStrictEqual([200, sha256(bytes)]);
    expect(Buffer.concat(onlyBody().chunks).equals(bytes)).toBe(true);
    expect(onlyBody().chunks.length).toBeLessThanOrEqual(10);
    expect(budget.used).toBe(bytes.length);
    expect(clock.pending).toBe(0);
  });

  it('gives its memory back once', async () => {
    const other = budget.lease();
    other.resize(10);
    const { send, answer: next } = await client();
    send(head('Content-Length: 5'), '12345');
    await next();
    expect(budget.used).toBe(15);
    onlyBody().release();
    onlyBody().release();
    expect(budget.used).toBe(10);
  });

  it('leaves no listener of its own behind', async () => {
    let request: IncomingMessage | undefined;
    let counts: number[] = [];
    const listeners = () => ['data', 'end', 'close', 'error'].map((name) => request?.listenerCount(name) ?? -1);
    before = async (incoming) => {
      request = incoming;
      counts = listeners();
    };
    const { send, answer: next } = await client();
    send(head('Content-Length: 5'), '12345');
    await next();
    expect(listeners()).toStrictEqual(counts);
  });
});

describe('a body that is rewritten', () => {
  it('is hashed, counted and held as it will be sent', async () => {
    rewrite = (body) => [Buffer.from('<'), body, Buffer.from('>>')];
    const { send, answer: next } = await client();
    send(head('Content-Length: 5'), '12345');
    expect(await next()).toStrictEqual([200, sha256(Buffer.from('<12345>>'))]);
    expect(onlyBody()).toMatchObject({ length: 8, received: 5 });
    // In one piece: of several, each would be a write to the connection.
    expect(onlyBody().chunks.map(String)).toStrictEqual(['<12345>>']);
    expect(budget.used).toBe(8);
    onlyBody().release();
    expect(budget.used).toBe(0);
  });

  it('is handed over whole, however it came', async () => {
    const seen: string[] = [];
    rewrite = (body) => {
      seen.push(String(body));
      return [body];
    };
    const { send, answer: next } = await client();
    send(head('Transfer-Encoding: chunked'), chunked(Buffer.from('123')), chunked(Buffer.from('45')), '0\r\n\r\n');
    await next();
    send(head());
    await next();
    expect(seen).toStrictEqual(['12345', '']);
    expect(outcomes).toMatchObject([
      { length: 5, received: 5 },
      { length: 0, sha256: sha256(Buffer.alloc(0)) },
    ]);
  });

  it('of several pieces: the copy replaces them', async () => {
    rewrite = (body) => [body.subarray(0, 1)];
    const { send, answer: next } = await client();
    const half = chunked(Buffer.alloc(30_000));
    send(head('Transfer-Encoding: chunked'), half, half, '0\r\n\r\n');
    expect((await next())[0]).toBe(200);
    expect(budget.used).toBe(1);
  });

  it('is refused where there is no room for a copy of its pieces, whoever holds the rest', async () => {
    const other = budget.lease('other');
    other.hold(2 * LIMIT - 119_999);
    rewrite = (body) => [body];
    const { send, answer: next } = await client();
    const half = chunked(Buffer.alloc(30_000));
    send(head('Transfer-Encoding: chunked'), half, half, '0\r\n\r\n');
    expect(await next()).toStrictEqual([503, 'unavailable']);
    expect(budget.used).toBe(2 * LIMIT - 119_999);
    other.hold(2 * LIMIT - 120_000);
    send(head('Transfer-Encoding: chunked'), half, half, '0\r\n\r\n');
    expect((await next())[0]).toBe(200);
  });

  it('may be larger than the limit, which is that of the client', async () => {
    rewrite = (body) => [body, Buffer.from('!')];
    const { send, answer: next } = await client();
    send(head(`Content-Length: ${LIMIT}`), Buffer.alloc(LIMIT));
    expect((await next())[0]).toBe(200);
    expect(budget.used).toBe(LIMIT + 1);
    // A copy would cost more than the piece does.
    expect(onlyBody().chunks.map(({ length }) => length)).toStrictEqual([LIMIT, 1]);
  });

  it('is not refused for what is ours in it', async () => {
    budget.lease('other').hold(2 * LIMIT - 5);
    rewrite = (body) => [body, Buffer.from('!')];
    const { send, answer: next } = await client();
    send(head('Content-Length: 5'), '12345');
    expect((await next())[0]).toBe(200);
    expect(budget.used).toBe(2 * LIMIT + 1);
  });

  it('that cannot be is refused, and gives its memory back', async () => {
    rewrite = () => {
      throw new ProxyError('invalidRequest', 'no');
    };
    const { send, answer: next } = await client();
    send(head('Content-Length: 5'), '12345');
    expect(await next()).toStrictEqual([400, 'invalidRequest']);
    expect(budget.used).toBe(0);
  });
});

describe('a body that is looked at', () => {
  const none = () => 'no room';

  it('in one piece, if there is room for a copy', async () => {
    const { send, answer: next } = await client();
    const half = chunked(Buffer.alloc(30_000, 'x'));
    send(head('Transfer-Encoding: chunked'), half, half, '0\r\n\r\n');
    await next();
    expect(onlyBody().readWhole(String, none)).toBe('x'.repeat(60_000));
    const other = budget.lease('other');
    other.hold(2 * LIMIT - 120_000);
    expect(onlyBody().readWhole(String, none)).toBe('x'.repeat(60_000));
    other.hold(2 * LIMIT - 119_999);
    expect(onlyBody().readWhole(String, none)).toBe('no room');
    expect(budget.used).toBe(2 * LIMIT - 59_999);
  });

  it('that is in one piece is not copied, and needs no room', async () => {
    budget.lease('other').hold(2 * LIMIT - 5);
    const { send, answer: next } = await client();
    send(head('Content-Length: 5'), '12345');
    await next();
    expect(onlyBody().readWhole<unknown>((whole) => whole, none)).toBe(onlyBody().chunks[0]);
  });
});

describe('a refusal leaves the connection to be answered and used again', () => {
  it('too large by its length: before a byte of it is there', async () => {
    const { send, answer: next } = await client();
    send(head(`Content-Length: ${LIMIT + 1}`));
    expect(await next()).toStrictEqual([413, 'requestTooLarge']);
    send(Buffer.alloc(LIMIT + 1), head('Content-Length: 2'), 'ok');
    expect(await next()).toStrictEqual([200, sha256(Buffer.from('ok'))]);
  });

  it('too large by counting', async () => {
    const { send, answer: next } = await client();
    send(head('Transfer-Encoding: chunked'), chunked(Buffer.alloc(LIMIT)), chunked(Buffer.alloc(1)));
    expect(await next()).toStrictEqual([413, 'requestTooLarge']);
    expect(budget.used).toBe(0);
    send(chunked(Buffer.alloc(LIMIT)), '0\r\n\r\n', head('Content-Length: 2'), 'ok');
    expect(await next()).toStrictEqual([200, sha256(Buffer.from('ok'))]);
  });

  it('too slow', async () => {
    limits = { ...limits, uploadMs: 1000 };
    const { send, answer: next } = await client();
    send(head('Content-Length: 10'), '12345');
    while (clock.pending === 0) await turn();
    await clock.pass(1000);
    expect(await next()).toStrictEqual([408, 'uploadTimeout']);
    expect(budget.used).toBe(0);
    limits = { ...limits, uploadMs: HOUR };
    send('67890', head('Content-Length: 0'));
    expect(await next()).toStrictEqual([200, sha256(Buffer.alloc(0))]);
  });

  it('no room for its length', async () => {
    const other = budget.lease('other');
    other.hold(2 * LIMIT - 9);
    const { send, answer: next } = await client();
    send(head('Content-Length: 10'));
    expect(await next()).toStrictEqual([503, 'unavailable']);
    expect(outcomes).toMatchObject([{ retryAfterSeconds: 1 }]);
    expect(budget.used).toBe(2 * LIMIT - 9);
    other.release();
    send('1234567890', head('Content-Length: 2'), 'ok');
    expect(await next()).toStrictEqual([200, sha256(Buffer.from('ok'))]);
  });

  it('no room for what has come', async () => {
    const other = budget.lease('other');
    other.hold(2 * LIMIT - 9);
    const { send, answer: next } = await client();
    send(head('Transfer-Encoding: chunked'), chunked(Buffer.alloc(9)));
    send(chunked(Buffer.alloc(1)));
    expect(await next()).toStrictEqual([503, 'unavailable']);
    expect(budget.used).toBe(2 * LIMIT - 9);
    send('0\r\n\r\n', head());
    expect((await next())[0]).toBe(200);
  });
});

describe('an upload that is cut', () => {
  it.each([
    ['with its length', 'Content-Length: 10', Buffer.from('12345')],
    ['in chunks', 'Transfer-Encoding: chunked', chunked(Buffer.from('12345'))],
  ])('%s', async (_name, field, bytes) => {
    const arrived = Promise.withResolvers<void>();
    before = async (request) => {
      request.once('data', () => arrived.resolve());
    };
    const { send, socket } = await client();
    send(head(field), bytes);
    await arrived.promise;
    socket.resetAndDestroy();
    await settled.promise;
    expect(outcomes).toMatchObject([{ failure: 'uploadTimeout' }]);
    expect(budget.used).toBe(0);
  });

  it('before anybody reads it', async () => {
    const arrived = Promise.withResolvers<void>();
    before = async (request) => {
      arrived.resolve();
      await new Promise((resolve) => request.once('close', resolve));
    };
    const { send, socket } = await client();
    send(head('Content-Length: 10'), '12345');
    await arrived.promise;
    socket.resetAndDestroy();
    await settled.promise;
    expect(outcomes).toMatchObject([{ failure: 'uploadTimeout' }]);
    expect(budget.used).toBe(0);
  });
});
