import { createServer, type Server } from 'node:http';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { exchange, openConnection } from '../../fuzz/connection.ts';
import { type Listening, listen } from '../../support/listen.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { arrivalOf, closeBehind, createKestrel } from './kestrel.ts';

let http: Server;
let kestrel: Listening;
const clock = manualClock();

/** Tells what arrived; of a request that is refused, the status. */
beforeAll(async () => {
  http = createServer(async (request, response) => {
    const { head, broken } = arrivalOf(request);
    const answer = (status: number, text: string) => response.writeHead(status).end(text);
    if ('refusal' in head) {
      closeBehind(response);
      return answer(head.refusal, '');
    }
    broken.addEventListener('abort', () => {
      closeBehind(response);
      answer(500, '');
    });
    let body = '';
    request.setEncoding('latin1').on('data', (piece: string) => (body += piece));
    request.once('end', () => {
      const { method, url, rawHeaders } = request;
      answer(200, JSON.stringify({ method, url, rawHeaders, body }));
    });
    return undefined;
  });
  kestrel = await listen(createKestrel(http, { uploadGraceMs: 5000, clock }));
});

afterAll(() => kestrel.close());

function send(requestLine: string, lines: readonly string[] = ['Host: x'], body = '') {
  const bytes = Buffer.from([requestLine, ...lines, '', body].join('\r\n'), 'latin1');
  return exchange(kestrel.port, bytes, requestLine.split(' ', 1)[0]);
}

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: string[];
  readonly body: string;
}

async function echo(...request: Parameters<typeof send>): Promise<Echo> {
  const answer = await send(...request);
  expect(answer?.status).toBe(200);
  return JSON.parse(answer?.body ?? '') as Echo;
}

describe('the request line', () => {
  it.each([
    ['POST /x HTTP/2.0', 505],
    ['POST /x HTTP/9.9', 505],
    ['POST /x', 400],
    ['POST  /x HTTP/1.1', 400],
    [' POST /x HTTP/1.1', 400],
    ['POST /x HTTP/1.1 HTTP/1.1', 400],
    ['PO(ST /x HTTP/1.1', 400],
    ['POST /caf\u00e9 HTTP/1.1', 400],
    ['POST /x\rY HTTP/1.1', 400],
    ['POST * HTTP/1.1', 405],
    ['POST x:443 HTTP/1.1', 405],
    ['CONNECT x:443 HTTP/1.1', 400],
    ['POST http://other/x HTTP/1.1', 400],
    ['POST gopher://x/x HTTP/1.1', 400],
    [`POST /${'a'.repeat(8192)} HTTP/1.1`, 414],
  ])('%s: %i', async (line, status) => {
    expect(await send(line)).toMatchObject({ status, body: '', headers: { connection: 'close' } });
  });

  it.each([
    ['post /x HTTP/1.1', 'POST', '/x'],
    ['Brew /x HTTP/1.1', 'BREW', '/x'],
    ['POST http://x/a?b HTTP/1.1', 'POST', '/a?b'],
    ['POST https://X HTTP/1.1', 'POST', '/'],
    ['POST /x?a=\tb&c=%2 HTTP/1.1', 'POST', '/x?a=\tb&c=%2'],
    ['POST /x HTTP/1.0', 'POST', '/x'],
  ])('%s passes', async (line, method, url) => {
    expect(await echo(line)).toMatchObject({ method, url });
  });
});

describe('the header fields', () => {
  it.each<[string, string[], number]>([
    ['a blank before the colon', ['Host: x', 'A : b'], 400],
    ['no colon', ['Host: x', 'A'], 400],
    ['an empty name', ['Host: x', ': b'], 400],
    ['a folded line', ['Host: x', 'A: b', ' c'], 400],
    ['NUL', ['Host: x', 'A: b\0c'], 400],
    ['a bare CR', ['Host: x', 'A: b\rC: d'], 400],
    ['no Host', [], 400],
    ['two Hosts', ['Host: x', 'Host: x'], 400],
    ['a Host with a user', ['Host: a@b'], 400],
    ['a Host with blanks', ['Host: a b'], 400],
    ['a Host with an escape', ['Host: %00'], 400],
    ['half an IPv6 address', ['Host: [::1'], 400],
    ['an empty Host', ['Host: '], 500],
    ['a port beyond all ports', ['Host: x:99999'], 500],
    [
      'more than 100 fields',
      Array.from({ length: 101 }, (_, index) => (index === 0 ? 'Host: x' : `X-${index}: v`)),
      431,
    ],
    ['more than 32 KiB', ['Host: x', `A: ${'v'.repeat(33_000)}`], 431],
  ])('%s: refused', async (_name, lines, status) => {
    expect(await send('POST /x HTTP/1.1', lines)).toMatchObject({ status, body: '' });
  });

  it('without Host in HTTP/1.0 are an empty 500', async () => {
    expect(await send('POST /x HTTP/1.0', [])).toMatchObject({ status: 500, body: '' });
  });

  it.each<[string, string[], string[]]>([
    ['a bare LF ends a line', ['Host: x', 'A: b\nC: d'], ['Host', 'x', 'A', 'b', 'C', 'd']],
    ['control characters', ['Host: x', 'A: \u0001b\u007f'], ['Host', 'x', 'A', '\u0001b\u007f']],
    ['blanks around', ['Host: x', 'A:  \t b  c\t '], ['Host', 'x', 'A', 'b  c']],
    ['an IPv6 address', ['Host: [::1]:80'], ['Host', '[::1]:80']],
    ['an expectation', ['Host: x', 'Expect: 200-ok'], ['Host', 'x', 'Expect', '200-ok']],
    [
      'an upgrade',
      ['Host: x', 'Connection: Upgrade', 'Upgrade: h2c'],
      ['Host', 'x', 'Connection', 'Upgrade', 'Upgrade', 'h2c'],
    ],
  ])('%s', async (_name, lines, rawHeaders) => {
    expect((await echo('POST /x HTTP/1.1', lines)).rawHeaders).toEqual(rawHeaders);
  });
});

describe('the body', () => {
  const chunks = '3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n';
  it.each<[string, string[], string, string]>([
    ['a length', ['Content-Length: 3'], 'abc', 'abc'],
    ['a length with a plus', ['Content-Length: +3'], 'abc', 'abc'],
    ['chunks with extensions and a trailer', ['Transfer-Encoding: chunked'], chunks, 'abcde'],
    ['chunks twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], chunks, 'abcde'],
    ['chunks and a length, which is dropped', ['Content-Length: 2', 'Transfer-Encoding: chunked'], chunks, 'abcde'],
    ['none', [], '', ''],
  ])('%s', async (_name, lines, sent, body) => {
    const seen = await echo('POST /x HTTP/1.1', ['Host: x', ...lines], sent);
    expect(seen.body).toBe(body);
    expect(seen.rawHeaders).not.toContain('2');
  });

  it.each([
    'Content-Length: -1',
    'Content-Length: 0x3',
    'Content-Length: 3.0',
    'Content-Length: ',
    'Content-Length: 3, 3',
    'Content-Length: 3\r\nContent-Length: 3',
    'Content-Length: 18446744073709551631',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding: \u000bchunked',
  ])('%s: refused', async (line) => {
    expect(await send('POST /x HTTP/1.1', ['Host: x', line], 'abc')).toMatchObject({ status: 400, body: '' });
  });

  it.each([
    'zz\r\nabc\r\n0\r\n\r\n',
    '-1\r\n\r\n',
    '2\r\nabc\r\n0\r\n\r\n',
    '3\nabc\n0\n\n',
    '3;a\nb\r\nabc\r\n0\r\n\r\n',
    '3 ;a\r\nabc\r\n0\r\n\r\n',
    '80000000\r\nabc',
    '000000003\r\nabc',
    '0\r\nno field\r\n\r\n',
  ])('of broken chunks is an empty 500, and nothing behind it is read: %j', async (sent) => {
    const request = `POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${sent}`;
    const connection = await openConnection(kestrel.port, ['POST', 'POST']);
    connection.send(`${request}POST /y HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
    const answers = await connection.answers(2);
    expect(answers).toMatchObject([{ status: 500, body: '' }]);
    await connection.closed;
  });

  it.each(['gzip, chunked', 'chunked'])('that is no chunk does not wait for the end of a line: %s', async (coding) => {
    const patient = await listen(createKestrel(http, { uploadGraceMs: 5000, clock: manualClock() }));
    const head = `POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ${coding}\r\n\r\n`;
    expect(await exchange(patient.port, `${head}[[[[`)).toMatchObject({ status: 500, body: '' });
    await patient.close();
  });

  it('byte by byte is the same, and pipelined requests are two', async () => {
    const connection = await openConnection(kestrel.port, ['POST', 'POST']);
    const request = `POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`;
    for (const character of request) connection.send(character);
    connection.send(`${request.replace('/x', '/y')}`);
    const answers = await connection.answers(2);
    connection.socket.destroy();
    expect(answers.map(({ body }) => JSON.parse(body) as Echo)).toMatchObject([
      { url: '/x', body: 'abcde' },
      { url: '/y', body: 'abcde' },
    ]);
  });

  it('that stalls is an empty 500', async () => {
    const stalled = send('POST /x HTTP/1.1', ['Host: x', 'Content-Length: 30'], 'abc');
    await waitUntil(() => clock.pending > 0);
    await clock.pass(5000);
    expect(clock.pending).toBe(1);
    await clock.pass(250);
    expect(await stalled).toMatchObject({ status: 500 });
  });
});
