import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:http2';
import { request } from 'node:https';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { listen, type Listening } from '../support/listen.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startTlsFront, type TlsFront } from './tls-front.ts';

let gateway: Listening;
let front: TlsFront;
let ca: Buffer;
const received: IncomingMessage[] = [];

beforeAll(async () => {
  // Answers with what it got, breaks off in the middle, or is silent.
  const server = createServer(async (incoming, response) => {
    received.push(incoming);
    const body = await buffer(incoming);
    if (incoming.url === '/silent') return;
    response.writeHead(201, { 'x-amzn-requestid': 'r', connection: 'close', 'set-cookie': ['a', 'b'] });
    response.write(body);
    if (incoming.url === '/cut') setImmediate(() => response.destroy());
    else response.end();
  });
  gateway = await listen(server);
  front = await startTlsFront(gateway.port, 0);
  ca = await readFile(front.certificate);
});

afterAll(async () => {
  await front.close();
  await gateway.close();
});

describe('HTTP/2', () => {
  async function post(path: string, body: string) {
    const session = connect(front.origin, { ca });
    const stream = session.request({ ':method': 'POST', ':path': path, 'x-mine': '1' });
    stream.end(body);
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    const outcome = await text(stream).then(
      (answer) => ({ answer, code: stream.rstCode }),
      () => ({ answer: undefined, code: stream.rstCode }),
    );
    session.destroy();
    return { headers, ...outcome };
  }

  test('path, headers and body both ways, without what belongs to a connection', async () => {
    const { headers, answer, code } = await post('/bedrock/model/a%2Fb/converse?x=1', 'Hello');
    expect({ answer, code }).toEqual({ answer: 'Hello', code: 0 });
    expect(headers).toMatchObject({ ':status': 201, 'x-amzn-requestid': 'r', 'set-cookie': ['a', 'b'] });
    expect(headers).not.toHaveProperty('connection');
    expect(headers).not.toHaveProperty('transfer-encoding');
    const [last] = received.slice(-1);
    expect(last).toMatchObject({ method: 'POST', url: '/bedrock/model/a%2Fb/converse?x=1', httpVersion: '1.1' });
    expect(last?.headers).toMatchObject({ 'x-mine': '1', host: new URL(front.origin).host });
    expect(Object.keys(last?.headers ?? {}).filter((name) => name.startsWith(':'))).toEqual([]);
  });

  test('what broke does not look complete', async () => {
    // RFC 9113 7: INTERNAL_ERROR.
    expect(await post('/cut', 'Hello')).toMatchObject({ answer: undefined, code: 2 });
  });
});

describe('HTTP/1.1', () => {
  async function post(path: string): Promise<{ status: number | undefined; body: string; complete: boolean }> {
    const asked = request(front.origin + path, { method: 'POST', ca, agent: false });
    asked.end('Hello');
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    let body = '';
    answer.on('data', (chunk) => (body += chunk)).on('error', () => undefined);
    await new Promise((resolve) => answer.once('close', resolve));
    return { status: answer.statusCode, body, complete: answer.complete };
  }

  test('whole, and broken', async () => {
    expect(await post('/whole')).toEqual({ status: 201, body: 'Hello', complete: true });
    expect(await post('/cut')).toMatchObject({ status: 201, complete: false });
  });
});

test('a caller that leaves ends the call behind', async () => {
  const session = connect(front.origin, { ca });
  const stream = session.request({ ':method': 'POST', ':path': '/silent' });
  stream.end('Hello');
  await waitUntil(() => received.at(-1)?.url === '/silent');
  await waitUntil(() => received.at(-1)?.complete === true);
  expect(received.at(-1)?.socket.destroyed).toBe(false);
  const left = new Promise((resolve) => received.at(-1)?.socket.once('close', resolve));
  stream.close();
  await left;
  session.destroy();
});
