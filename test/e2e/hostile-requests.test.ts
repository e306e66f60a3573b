import { gzipSync } from 'node:zlib';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { controlled } from '../emulators/bedrock/controlled.ts';
import { encodeEvent } from '../emulators/bedrock/frames.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { beginCall, nextChunk, readBytes } from '../support/raw-client.ts';
import type { RawAnswer } from '../fuzz/answers.ts';
import { exchange, openConnection } from '../fuzz/connection.ts';
import { modelId } from '../support/models.ts';

const canonical = `/model/${encodeURIComponent(modelId)}/converse`;
const profile = 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-v2:1';
const body = '{"messages":[]}';

/** The chain, and one with the App Service front end before the host. */
let chain: Chain;
let fronted: Chain;
let authorization: string;
beforeAll(async () => {
  const settings = { MAX_REQUEST_BYTES: '100000', MAX_BUFFERED_BYTES: '200000' };
  [chain, fronted] = await Promise.all([startChain({ settings }), startChain({ settings, frontEnd: true })]);
  authorization = `Bearer ${await chain.entra.issueToken()}`;
});
afterAll(() => Promise.all([chain.close(), fronted.close()]));
afterEach(() => {
  chain.bedrock.reset();
  fronted.bedrock.reset();
});

/** A request as text; every line of the head is as it is given. */
function raw(requestLine: string, lines: readonly string[], content = ''): string {
  return [requestLine, ...lines, '', content].join('\r\n');
}

/** A good request but for its target and the lines that are added. */
function good(target: string, lines: readonly string[] = [], content = body): string {
  const own = ['Host: proxy.example', `Authorization: ${authorization}`, `Content-Length: ${content.length}`];
  return raw(`POST ${target} HTTP/1.1`, [...own, ...lines], content);
}

async function expectAlive() {
  const answer = await exchange(chain.host.port, good(`/model/${modelId}/converse`));
  expect(answer?.status).toBe(200);
  expect(chain.host.restarts).toBe(0);
}

describe('targets', () => {
  const converse = (id: string) => `/model/${id}/converse`;
  /** The name, the target, the status at the Functions host, and what may reach Bedrock at most. */
  const TARGETS: [string, string, number, string?][] = [
    ['plain', converse(modelId), 200, canonical],
    ['encoded', converse(encodeURIComponent(modelId)), 200, canonical],
    ['encoded twice', converse('anthropic.claude-3-haiku-20240307-v1%253A0'), 200, canonical],
    ['encoded three times', converse('anthropic.claude-3-haiku-20240307-v1%25253A0'), 200, canonical],
    ['encoded four times', converse('anthropic.claude-3-haiku-20240307-v1%2525253A0'), 400, canonical],
    ['letters encoded', converse('%61nthropic.claude%2D3-haiku-20240307-v1:0'), 200, canonical],
    ['an ARN', converse(profile), 200, converse(encodeURIComponent(profile))],
    ['an ARN, encoded', converse(encodeURIComponent(profile)), 200, converse(encodeURIComponent(profile))],
    [
      'an ARN, encoded in lower case',
      converse(profile.replace('/', '%2f')),
      200,
      converse(encodeURIComponent(profile)),
    ],
    ['dot segments to an operation', `/model/x/../${modelId}/converse`, 200, canonical],
    ['dot segments from above the root', `/../../model/${modelId}/converse`, 200, canonical],
    ['encoded dot segments', `/model/x/%2e%2E/${modelId}/converse`, 200, canonical],
    ['dot segments to another path', '/model/x/../../foundation-models', 404],
    ['dot segments to the paths of the host', '/model/../admin/host/status', 401],
    ['dot segments encoded twice', converse('a%252F%252e%252e%252Fb'), 400],
    ['dot segments in an encoded ARN', converse('a%2F..%2Fb'), 400, converse('b')],
    ['dot segments by backslashes', converse('a\\..\\b'), 400, converse('b')],
    ['dot segments with parameters', converse('a/..;/b'), 400],
    ['a lone dot segment as id', converse('%252e'), 400],
    ['NUL', converse('a%00b'), 400],
    ['NUL, encoded twice', converse('a%2500b'), 400],
    ['two slashes at the start', `//model/${modelId}/converse`, 404, canonical],
    ['two slashes before the id', `/model//${modelId}/converse`, 400, canonical],
    ['two slashes behind the id', `/model/${modelId}//converse`, 400, canonical],
    ['an empty id', '/model//converse', 404],
    ['a slash at the end', `${converse(modelId)}/`, 404, canonical],
    ['a backslash', converse('a\\b'), 400, converse('a%2Fb')],
    ['an encoded backslash', converse('a%5Cb'), 400, converse('a%2Fb')],
    ['backslashes for all slashes', `\\model\\${modelId}\\converse`, 400],
    ['raw bytes that are UTF-8', converse('caf\u00c3\u00a9'), 400],
    ['raw bytes that are not', converse('caf\u00e9'), 400],
    ['non-ASCII, encoded', converse('caf%C3%A9'), 400],
    ['bytes that are not UTF-8, encoded', converse('a%FFb'), 400],
    ['an overlong encoding of a slash', converse('a%C0%AFb'), 400],
    ['an encoding of IIS', converse('a%u002fb'), 400],
    ['half an escape', converse('a%2'), 400],
    ['a full-width slash', converse('a%EF%BC%8Fb'), 400],
    ['CR LF, encoded', converse('a%0D%0AX-Evil:%201'), 400],
    ['CR LF, encoded twice', converse('a%250D%250Ab'), 400],
    ['CR LF behind the path', `${converse(modelId)}%0D%0A`, 404],
    ['a tab', converse('a\tb'), 400],
    ['a question mark, encoded', converse('a%3Fb'), 400],
    ['a fragment', `${converse(modelId)}#x`, 404],
    ['a fragment, encoded', converse('a%23b'), 400],
    ['the longest id', converse('a'.repeat(2048)), 200, converse('a'.repeat(2048))],
    ['an id that is too long', converse('a'.repeat(2049)), 400],
    ['an id longer than Kestrel reads', converse('a'.repeat(20_000)), 414],
    ['a target above what the host reads', converse('a'.repeat(40_000)), 414],
    ['absolute form', `http://evil.example${converse(modelId)}`, 400],
    ['absolute form, Bedrock itself', `https://bedrock.us-east-1.amazonaws.com${converse(modelId)}`, 400],
    ['absolute form of its own host', `http://proxy.example${converse(modelId)}`, 200, canonical],
    ['absolute form of another scheme', `gopher://evil.example${converse(modelId)}`, 400],
    ['authority form', 'evil.example:443', 405],
    ['asterisk form', '*', 405],
    ['a user in the path', `/@evil.example${converse(modelId)}`, 404],
    ['another service', '/model-invocation-job', 404],
    ['the control plane', '/foundation-models/x/converse', 404],
    ['an operation in capitals', `/model/${modelId}/CONVERSE`, 404],
    [
      'an operation behind an operation',
      `/model/${modelId}/converse/converse`,
      200,
      converse(encodeURIComponent(`${modelId}/converse`)),
    ],
  ];

  /** Whatever arrived is signed for what was meant, and for Bedrock's own host. */
  function expectCanonical({ bedrock }: Chain, answer: RawAnswer | undefined, expected: string | undefined) {
    for (const request of bedrock.requests) {
      expect(request).toMatchObject({ verified: true, target: expected, body: Buffer.from(body) });
      expect(request.headers['host']).toBe(new URL(bedrock.url).host);
      expect(answer?.status).toBe(200);
    }
    expect(bedrock.requests).toHaveLength(answer?.status === 200 ? 1 : 0);
  }

  it.each(TARGETS)('%s', async (_name, target, status, expected) => {
    const answer = await exchange(chain.host.port, Buffer.from(good(target), 'latin1'));
    expectCanonical(chain, answer, expected);
    expect(answer?.status).toBe(status);
  });

  it.each(TARGETS)('%s, behind the front end', async (_name, target, _status, expected) => {
    const bytes = good(target).replace(authorization, `Bearer ${await fronted.entra.issueToken()}`);
    const answer = await exchange(fronted.host.port, Buffer.from(bytes, 'latin1'));
    expectCanonical(fronted, answer, expected);
    expect([200, 400, 401, 404, 405, 414]).toContain(answer?.status);
  });

  it.each(TARGETS)('%s, through the gateway', async (_name, target, _status, expected) => {
    const fields = [
      'Host: gateway.example',
      `api-key: ${chain.gateway.subscriptionKey}`,
      `Content-Length: ${body.length}`,
    ];
    const request = raw(`POST /bedrock${target} HTTP/1.1`, fields, body);
    const answer = await exchange(chain.gateway.port, Buffer.from(request, 'latin1'));
    expectCanonical(chain, answer, expected);
    expect([200, 400, 404, 405, 414, 431]).toContain(answer?.status);
  });
});

describe('queries', () => {
  it.each([
    ['CR LF, encoded', '?a=b%0D%0AX-Evil:%201', 200],
    ['NUL, encoded', '?a=%00', 200],
    ['repeated, empty and unordered names', '?b=2&a=%20&b=1&&c&=d', 200],
    ['marks that AWS encodes', '?a=!\'()*;:@$,/?[]{}|^`<>"', 200],
    ['a plus', '?a=b+c', 200],
    ['a second question mark', '?a?b=c', 200],
    ['an operation in the query', '?a=/../../model/other/converse', 200],
    ['a name of the prototype', '?__proto__=x&constructor=y', 400],
    ['a name of the prototype, encoded', '?%5F_proto__=x', 400],
    ['names of the prototype that are harmless', '?constructor=y&toString=z', 200],
    ['bytes that are not UTF-8', '?a=%FF', 400],
    ['half an escape', '?a=%2', 400],
    ['raw bytes', '?a=\u00e9', 400],
    ['raw bytes in a parameter that stays here', '?code=\u00e9', 400],
    ['a tab', '?a=\tb', 200],
  ])('%s', async (_name, query, status) => {
    const path = '/anthropic/v1/messages';
    const content = JSON.stringify({ model: modelId, max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] });
    const answer = await exchange(chain.host.port, Buffer.from(good(`${path}${query}`, [], content), 'latin1'));
    expect(answer?.status).toBe(status);
    expect(chain.bedrock.requests).toHaveLength(status === 200 ? 1 : 0);
    for (const request of chain.bedrock.requests) {
      expect(request).toMatchObject({ verified: true });
      expect(new URL(request.target, 'http://b').pathname).toBe(path);
      const sent = new URLSearchParams(query.replaceAll('+', '%2B')).toString();
      expect(new URLSearchParams(request.target.slice(path.length)).toString()).toBe(sent);
    }
    // An operation of AWS's API model takes none of them.
    chain.bedrock.reset();
    const refused = await exchange(chain.host.port, Buffer.from(good(`/model/${modelId}/converse${query}`), 'latin1'));
    expect(refused?.status).toBe(400);
    expect(chain.bedrock.requests).toHaveLength(0);
  });
});

describe('methods and versions', () => {
  const converse = `/model/${modelId}/converse`;
  it.each<[string, string, number | undefined]>([
    ['lower case', `post ${converse} HTTP/1.1`, 200],
    ['mixed case', `Post ${converse} HTTP/1.1`, 200],
    ['unknown', `BREW ${converse} HTTP/1.1`, 404],
    ['of WebDAV', `PROPFIND ${converse} HTTP/1.1`, 404],
    ['TRACE', `TRACE ${converse} HTTP/1.1`, 404],
    ['CONNECT', 'CONNECT bedrock.example:443 HTTP/1.1', 400],
    ['PUT', `PUT ${converse} HTTP/1.1`, 404],
    ['HTTP/1.0', `POST ${converse} HTTP/1.0`, 200],
    ['HTTP/0.9', `POST ${converse}`, 400],
    ['HTTP/2.0', `POST ${converse} HTTP/2.0`, 505],
    ['two blanks', `POST  ${converse} HTTP/1.1`, 400],
    ['a line feed inside', `POST ${converse}\nX-Evil: 1 HTTP/1.1`, 400],
    ['HTTP/9.9', `POST ${converse} HTTP/9.9`, 505],
    ['a preface of HTTP/2', 'PRI * HTTP/2.0', 505],
    ['a blank before', ` POST ${converse} HTTP/1.1`, 400],
    ['a CR inside', `POST ${converse}\rX HTTP/1.1`, 400],
    ['text behind the version', `POST ${converse} HTTP/1.1 HTTP/1.1`, 400],
  ])('%s', async (_name, requestLine, status) => {
    const fields = ['Host: x', `Authorization: ${authorization}`, `Content-Length: ${body.length}`];
    const method = requestLine.split(' ', 1)[0] ?? '';
    const answer = await exchange(chain.host.port, raw(requestLine, fields, body), method);
    expect(answer?.status).toBe(status);
    expect(chain.bedrock.requests.map(({ method: sent, target, verified }) => [sent, target, verified])).toStrictEqual(
      status === 200 ? [['POST', canonical, true]] : [],
    );
    chain.bedrock.reset();
    await expectAlive();
  });

  it('HEAD gets a refusal without a body, and the connection goes on', async () => {
    const fields = ['Host: x', `Authorization: ${authorization}`];
    const connection = await openConnection(chain.host.port, ['HEAD', 'POST']);
    connection.send(raw(`HEAD ${converse} HTTP/1.1`, fields) + good(converse));
    const answers = await connection.answers(2);
    connection.socket.destroy();
    expect(answers.map(({ status }) => status)).toStrictEqual([404, 200]);
  });
});

describe('headers', () => {
  const converse = `/model/${modelId}/converse`;

  it.each<[string, string[], number]>([
    ['a bare CR in a value', ['X-A: b\rX-Evil: 1'], 400],
    ['NUL in a value', ['X-A: b\0c'], 400],
    ['a control character in a value', ['X-Amzn-Bedrock-Trace: \u0001'], 400],
    ['a name with a blank before its colon', ['Content-Type : text/plain'], 400],
    ['a name with a blank inside', ['Content Type: text/plain'], 400],
    ['a name that is empty', [': value'], 400],
    ['a name with a character that no name has', ['X-A(b): c'], 400],
    ['no colon', ['X-A'], 400],
    ['a folded line', ['X-A: b', ' c'], 400],
    ['more fields than the host reads', Array.from({ length: 98 }, (_, index) => `X-${index}: v`), 431],
    ['more than the host reads', Array.from({ length: 300 }, (_, index) => `X-${index}: ${'v'.repeat(150)}`), 431],
    ['one value larger than the host reads', [`X-A: ${'v'.repeat(40_000)}`], 431],
    ['bytes that are not UTF-8', ['X-Amzn-Bedrock-Trace: \u00e9'], 400],
  ])('%s: refused', async (_name, lines, status) => {
    const answer = await exchange(chain.host.port, Buffer.from(good(converse, lines), 'latin1'));
    expect(answer?.status).toBe(status);
    expect(chain.bedrock.requests).toHaveLength(0);
    await expectAlive();
  });

  it.each<[string, string[], Record<string, string>]>([
    ['many small ones', Array.from({ length: 97 }, (_, index) => `X-${index}: v`), {}],
    ['a bare LF, which ends a line', ['X-A: b\nx-amzn-bedrock-trace: ENABLED'], { 'x-amzn-bedrock-trace': 'ENABLED' }],
    ['CR LF, encoded, in a value', ['x-amzn-bedrock-note: a%0D%0Ab'], { 'x-amzn-bedrock-note': 'a%0D%0Ab' }],
    ['runs of blanks and tabs', ['x-amzn-bedrock-note:  \t a  b\tc \t '], { 'x-amzn-bedrock-note': 'a  b\tc' }],
    ['an empty value', ['x-amzn-bedrock-note:'], { 'x-amzn-bedrock-note': '' }],
    ['a repeated one', ['anthropic-beta: a', 'Anthropic-Beta: b'], { 'anthropic-beta': 'a, b' }],
    ['a name in capitals', ['X-AMZN-BEDROCK-TRACE: ENABLED'], { 'x-amzn-bedrock-trace': 'ENABLED' }],
    ['names of odd characters', ["x-amzn-bedrock-!#$%&'*+.^`|~: x"], { "x-amzn-bedrock-!#$%&'*+.^`|~": 'x' }],
    ['a name with an underscore, which AWS drops', ['x-amzn-bedrock-a_b: x'], {}],
    ['two media types', ['Content-Type: a/b', 'Content-Type: c/d'], { 'content-type': 'a/b, c/d' }],
    ['names of the prototype', ['__proto__: x', 'constructor: y'], {}],
    ['Expect of another kind', ['X-Expect: 200-ok'], {}],
    ['an upgrade', ['Connection: Upgrade', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'], {}],
  ])('%s: signed as they are sent, or left here', async (_name, lines, expected) => {
    const answer = await exchange(chain.host.port, good(converse, lines));
    expect(answer?.status).toBe(200);
    const [request] = chain.bedrock.requests;
    expect(request).toMatchObject({ verified: true, target: canonical, headers: expected });
    const OURS = /^(?:accept-encoding|authorization|connection|content-length|host|x-amz-(?:content-sha256|date))$/;
    const names = Object.keys(request?.headers ?? {}).filter((name) => !OURS.test(name));
    expect(names.toSorted()).toStrictEqual(Object.keys(expected).toSorted());
    expect(request?.signedHeaders).toStrictEqual(expect.arrayContaining(Object.keys(expected)));
  });
});

describe('what the library of the Functions runtime cannot read', () => {
  const converse = `/model/${modelId}/converse`;

  it.each([
    ['a port beyond all ports', 'Host: x:99999', 500],
    ['half an IPv6 address', 'Host: [::1', 400],
    ['a user', 'Host: a@b', 400],
    ['blanks', 'Host: a b', 400],
    ['an escape', 'Host: %00', 400],
    ['nothing', 'Host: ', 500],
  ])('a Host of %s: refused by the host', async (_name, host, status) => {
    const answer = await exchange(chain.host.port, good(converse).replace('Host: proxy.example', host));
    expect(answer?.status).toBe(status);
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('a control character in a value that stays here: served', async () => {
    const codes = [...Array.from({ length: 31 }, (_, index) => index + 1), 127].filter(
      (code) => ![9, 10, 13].includes(code),
    );
    for (const code of codes) {
      const answer = await exchange(chain.host.port, good(converse, [`X-Name: a${String.fromCharCode(code)}b`]));
      expect(answer?.status, String(code)).toBe(200);
    }
    expect(chain.bedrock.requests).toHaveLength(29);
    expect(chain.host.restarts).toBe(0);
  });

  it.each([
    ['a header beyond 16 KiB', [`X-A: ${'v'.repeat(20_000)}`], ''],
    ['headers beyond 16 KiB together', Array.from({ length: 90 }, (_, index) => `X-${index}: ${'v'.repeat(250)}`), ''],
    ['a query and a header beyond 16 KiB together', [`X-A: ${'v'.repeat(14_000)}`], `?code=${'v'.repeat(7000)}`],
  ])('%s: passes', async (_name, lines, query) => {
    const answer = await exchange(chain.host.port, good(converse + query, lines));
    expect(answer?.status).toBe(200);
    expect(chain.bedrock.requests).toMatchObject([{ verified: true }]);
  });

  it('an Expect of another kind: passes', async () => {
    expect((await exchange(chain.host.port, good(converse, ['Expect: 200-ok'])))?.status).toBe(200);
    expect(chain.bedrock.requests).toMatchObject([{ verified: true, target: canonical }]);
  });
});

describe('framing: one request stays one, whoever reads its length how', () => {
  const converse = `/model/${modelId}/converse`;
  const CL = `Content-Length: ${body.length}`;
  const TE = 'Transfer-Encoding: chunked';
  const chunkedBody = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  /** What an attacker hides behind the first request: whole and admitted, if anybody ever reads it as a request. */
  const smuggled = () => good('/model/smuggled/converse');

  /** The framing lines, the bytes behind the head, and the statuses that may come first. */
  const FRAMINGS: [string, string[], () => string, (number | undefined)[]][] = [
    ['CL.TE', [CL, TE], () => `0\r\n\r\n${smuggled()}`, [200, 400]],
    ['TE.CL', [TE, CL], () => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`, [200]],
    ['CL 0 and chunks', ['Content-Length: 0', TE], () => `0\r\n\r\n`, [200, 400]],
    ['TE.TE: an unknown coding', ['Transfer-Encoding: xchunked'], () => `0\r\n\r\n${smuggled()}`, [400]],
    ['TE.TE: chunked is not last', ['Transfer-Encoding: chunked, identity'], () => `0\r\n\r\n${smuggled()}`, [400]],
    ['TE.TE: twice', [TE, 'Transfer-Encoding: identity'], () => `0\r\n\r\n${smuggled()}`, [400]],
    ['TE.TE: chunked twice', [TE, TE], () => chunkedBody, [200]],
    ['TE.TE: a blank before the colon', ['Transfer-Encoding : chunked', CL], () => body, [400]],
    ['TE.TE: a tab before the colon', ['Transfer-Encoding\t: chunked', CL], () => body, [400]],
    ['TE.TE: a vertical tab', ['Transfer-Encoding: \u000bchunked', CL], () => body, [400]],
    ['TE.TE: behind a bare LF', [`X: y\nTransfer-Encoding: chunked`, CL], () => body, [500]],
    ['TE.TE: behind a bare CR', [`X: y\rTransfer-Encoding: chunked`, CL], () => body, [400]],
    ['TE.TE: folded', ['Transfer-Encoding:', ' chunked', CL], () => body, [400]],
    ['TE.TE: quoted', ['Transfer-Encoding: "chunked"'], () => chunkedBody, [400]],
    ['TE in HTTP/1.0', [TE], () => chunkedBody, [200, 400]],
    ['an underscore for the dash', ['Transfer_Encoding: chunked', CL], () => body, [200]],
    ['two equal lengths', [CL, CL], () => body, [400]],
    ['two different lengths', [CL, 'Content-Length: 1'], () => body, [400]],
    ['a list of lengths', [`Content-Length: ${body.length}, ${body.length}`], () => body, [400]],
    ['a negative length', ['Content-Length: -1'], () => body, [400]],
    ['a length with a sign', [`Content-Length: +${body.length}`], () => body, [200]],
    ['a length in hexadecimal', ['Content-Length: 0xf'], () => body, [400]],
    ['a length with a fraction', ['Content-Length: 15.0'], () => body, [400]],
    ['an empty length', ['Content-Length: '], () => body, [400]],
    ['a length beyond 64 bits', ['Content-Length: 18446744073709551631'], () => body, [400]],
    ['a length beyond what is read', ['Content-Length: 9007199254740993'], () => body, [400, 413, 500]],
    ['neither length nor chunks', [], () => '', [400]],
    ['a chunk size that is no number', [TE], () => `zz\r\n${body}\r\n0\r\n\r\n`, [500]],
    ['a negative chunk size', [TE], () => `-1\r\n${body}\r\n0\r\n\r\n`, [500]],
    ['a chunk size with 0x', [TE], () => `0xf\r\n${body}\r\n0\r\n\r\n`, [500]],
    ['a chunk size beyond 64 bits', [TE], () => `f0000000000000000f\r\n${body}\r\n0\r\n\r\n`, [500]],
    ['a chunk longer than its size', [TE], () => `5\r\n${body}\r\n0\r\n\r\n`, [500]],
    ['a chunk without its end', [TE], () => `f\r\n${body}0\r\n\r\n`, [500]],
    ['line feeds alone in the chunks', [TE], () => `f\n${body}\n0\n\n`, [500]],
    ['an extension with a line feed', [TE], () => `f;a\nb\r\n${body}\r\n0\r\n\r\n${smuggled()}`, [500]],
    ['an endless extension', [TE], () => `f;${'a'.repeat(20_000)}\r\n${body}\r\n0\r\n\r\n`, [200]],
  ];

  it.each(FRAMINGS)('%s', async (name, lines, bytes, statuses) => {
    const version = name.endsWith('HTTP/1.0') ? 'HTTP/1.0' : 'HTTP/1.1';
    const head = raw(`POST ${converse} ${version}`, ['Host: x', `Authorization: ${authorization}`, ...lines]);
    const connection = await openConnection(chain.host.port, ['POST', 'POST', 'POST']);
    connection.send(Buffer.from(head + bytes(), 'latin1'));
    const [answer] = await connection.answers(1);
    connection.socket.end();
    await connection.closed;
    expect(statuses).toContain(answer?.status);
    // What is refused by the server in front of the function is not followed by anything on that connection.
    for (const request of chain.bedrock.requests) {
      expect(request).toMatchObject({ verified: true, target: canonical });
      expect(request.body.toString()).toBe(answer?.status === 200 ? body : '');
      expect(request.headers).not.toHaveProperty('transfer-encoding');
    }
    chain.bedrock.reset();
    await expectAlive();
  });

  it.each(FRAMINGS)('%s, through the gateway', async (name, lines, bytes, statuses) => {
    const version = name.endsWith('HTTP/1.0') ? 'HTTP/1.0' : 'HTTP/1.1';
    const key = `api-key: ${chain.gateway.subscriptionKey}`;
    const head = raw(`POST /bedrock${converse} ${version}`, ['Host: x', key, ...lines]);
    const connection = await openConnection(chain.gateway.port, ['POST', 'POST', 'POST']);
    connection.send(Buffer.from(head + bytes().replace('POST /model', 'POST /bedrock/model'), 'latin1'));
    const [answer] = await connection.answers(1);
    connection.socket.end();
    await connection.closed;
    expect([...statuses, 400, 408, 413]).toContain(answer?.status);
    const meant = chain.bedrock.requests.filter(({ target }) => target !== canonical);
    expect(meant).toStrictEqual([]);
    for (const request of chain.bedrock.requests) expect(request.verified).toBe(true);
  });

  it('pipelined requests are two, in their order, each with its own body', async () => {
    const connection = await openConnection(chain.host.port, ['POST', 'POST']);
    connection.send(good(converse, [], '{"messages":[],"first":1}') + good('/model/amazon.nova-lite-v1:0/converse'));
    const answers = await connection.answers(2);
    connection.socket.destroy();
    expect(answers.map(({ status }) => status)).toStrictEqual([200, 200]);
    const bodies = new Map(chain.bedrock.requests.map(({ target, body: sent }) => [target, sent.toString()]));
    expect(bodies.get(canonical)).toBe('{"messages":[],"first":1}');
    expect(bodies.get('/model/amazon.nova-lite-v1%3A0/converse')).toBe(body);
  });

  it('trailers and chunk extensions do not reach Bedrock', async () => {
    const head = [`Authorization: ${authorization}`, 'Host: x', TE, 'Trailer: x-amzn-bedrock-trace'];
    const chunks = `f;x=y\r\n${body}\r\n0\r\nx-amzn-bedrock-trace: ENABLED\r\nAuthorization: Bearer other\r\n\r\n`;
    const answer = await exchange(chain.host.port, raw(`POST ${converse} HTTP/1.1`, head, chunks));
    expect(answer?.status).toBe(200);
    const [request] = chain.bedrock.requests;
    expect(request).toMatchObject({ verified: true, body: Buffer.from(body) });
    expect(JSON.stringify(request?.rawHeaders)).not.toMatch(/trace|trailer|other/i);
    expect(request?.headers['content-length']).toBe(String(body.length));
  });

  it('Expect: 100-continue is answered before the body is sent', async () => {
    const connection = await openConnection(chain.host.port);
    const head = good(converse, ['Expect: 100-continue'], body).slice(0, -body.length);
    connection.send(head);
    const interim = Promise.withResolvers<string>();
    connection.socket.once('data', (bytes: Buffer) => interim.resolve(bytes.toString()));
    expect(await interim.promise).toMatch(/^HTTP\/1\.1 100 /);
    connection.send(body);
    const [answer] = await connection.answers(1);
    connection.socket.destroy();
    expect(answer).toMatchObject({ status: 200, interim: [100] });
    expect(chain.bedrock.requests).toMatchObject([{ verified: true, body: Buffer.from(body) }]);
    expect(chain.bedrock.requests[0]?.headers).not.toHaveProperty('expect');
  });

  it('a GET with a body is one request without', async () => {
    const fields = ['Host: x', `Authorization: ${authorization}`, `Content-Length: ${body.length}`];
    const answer = await exchange(chain.host.port, raw('GET /async-invoke HTTP/1.1', fields, body), 'GET');
    expect(chain.bedrock.requests.every(({ verified }) => verified)).toBe(true);
    expect([200, 400]).toContain(answer?.status);
    await expectAlive();
  });
});

describe('bodies', () => {
  const converse = `/model/${modelId}/converse`;
  const invoke = `/model/${modelId}/invoke`;
  const packed = gzipSync(body);

  function post(door: 'host' | 'gateway', path: string, headers: Record<string, string>) {
    const url = door === 'host' ? chain.host.url : chain.gateway.url;
    const admission = door === 'host' ? { authorization } : { 'api-key': chain.gateway.subscriptionKey };
    return beginCall(url + path, { method: 'POST', headers: { ...admission, ...headers } });
  }

  it.each<['host' | 'gateway', string]>([
    ['host', 'gzip'],
    ['gateway', 'gzip'],
    ['host', 'zstd'],
    ['host', 'identity'],
    ['host', 'br, gzip'],
    ['host', 'GZIP'],
  ])('to the %s in content-encoding %s: signed, and the bytes as they are', async (door, coding) => {
    const { request, response } = post(door, invoke, { 'content-encoding': coding });
    request.end(packed);
    const answer = await response;
    answer.resume();
    const [received] = chain.bedrock.requests;
    expect(received).toMatchObject({ verified: true, headers: { 'content-encoding': coding } });
    expect(received?.signedHeaders).toContain('content-encoding');
    expect(received?.body.equals(packed)).toBe(true);
  });

  it('two content-encodings stay two', async () => {
    const lines = ['Content-Encoding: br', 'Content-Encoding: gzip'];
    await exchange(chain.host.port, good(invoke, lines));
    const [received] = chain.bedrock.requests;
    expect(received).toMatchObject({ verified: true, headers: { 'content-encoding': 'br, gzip' } });
  });

  it.each([
    ['is refused on a route whose model stands in the body, when models are limited', 'amazon.*', []],
    ['passes there when they are not', undefined, ['gzip']],
  ])('an encoded one %s', async (_name, models, codings) => {
    const { request, response } = post('host', '/openai/v1/chat/completions', {
      'content-encoding': 'gzip',
      ...(models === undefined ? {} : { 'x-gateway-allowed-models': models }),
    });
    request.end(gzipSync('{"model":"openai.gpt-oss-20b-1:0","messages":[]}'));
    // The emulator cannot read such a body either; what it says of a signature comes first.
    expect((await response).statusCode).toBe(400);
    expect(chain.bedrock.requests.map(({ headers }) => headers['content-encoding'])).toStrictEqual(codings);
    expect(chain.bedrock.requests.every(({ refusal }) => !/Signature|Headers/.test(refusal ?? ''))).toBe(true);
  });

  it.each([
    ['by its length', { 'content-length': '100001' }, 413],
    ['by counting', { 'transfer-encoding': 'chunked' }, 413],
  ])('above the limit %s: 413, and the connection is in order', async (_name, headers, status) => {
    const { request, response } = post('host', converse, headers);
    request.end(Buffer.alloc(100_001));
    const answer = await response;
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['x-amzn-errortype']).toBe('RequestEntityTooLargeException');
    answer.resume();
    expect(chain.bedrock.requests).toHaveLength(0);
    await expectAlive();
  });

  it('exactly at the limit passes, in either framing', async () => {
    for (const headers of [{ 'content-length': '100000' }, { 'transfer-encoding': 'chunked' }]) {
      const { request, response } = post('host', invoke, headers);
      request.end(Buffer.alloc(100_000));
      (await response).resume();
      expect(chain.bedrock.requests.at(-1)?.body).toHaveLength(100_000);
      expect(chain.bedrock.requests.at(-1)?.headers['content-length']).toBe('100000');
    }
  });

  it('an upload in chunks that dries up is an empty 500 of the host, and never reaches Bedrock', async () => {
    const { request, response } = post('gateway', converse, { 'transfer-encoding': 'chunked' });
    request.write('{"mess');
    const answer = await response;
    // The function's 408 does not pass HttpClient, which waits for the end of the request.
    expect(answer.statusCode).toBe(500);
    expect(answer.headers).not.toHaveProperty('x-amzn-errortype');
    request.destroy();
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('when too much is held: 503 with Retry-After, and the streams in flight are unharmed', async () => {
    const event = (index: number) =>
      encodeEvent('contentBlockDelta', { contentBlockIndex: index, delta: { text: 'x' } });
    const streams = [0, 1, 2].map(() => controlled());
    const readers = [];
    for (const stream of streams) {
      chain.bedrock.answer(stream.responder);
      const { request, response } = post('host', `/model/${modelId}/converse-stream`, {});
      request.end(body);
      await stream.send(event(0));
      readers.push(await response);
    }
    for (const reader of readers) expect((await readBytes(reader, event(0).length)).equals(event(0))).toBe(true);

    // A body that waits for Bedrock fills the process.
    const waiting = controlled({ 'content-type': 'application/json' });
    chain.bedrock.answer(waiting.responder);
    const first = post('host', invoke, {});
    first.request.end(Buffer.alloc(90_000));
    await waiting.started;
    for (const headers of [{ 'content-length': '90000' }, { 'transfer-encoding': 'chunked' }]) {
      const { request, response } = post('host', invoke, headers);
      request.end(Buffer.alloc(90_000));
      const refusal = await response;
      expect(refusal.statusCode).toBe(503);
      expect(refusal.headers).toMatchObject({
        'retry-after': '1',
        'x-amzn-errortype': 'ServiceUnavailableException',
      });
      refusal.resume();
    }

    for (const [index, stream] of streams.entries()) {
      await stream.send(event(1));
      const reader = readers[index];
      expect(reader !== undefined && (await readBytes(reader, event(1).length)).equals(event(1))).toBe(true);
      await stream.end();
      expect(reader === undefined ? 'none' : await nextChunk(reader)).toBeUndefined();
    }
    await waiting.send('{}');
    await waiting.end();
    expect((await first.response).statusCode).toBe(200);
    // What was held is free again.
    const { request, response } = post('host', converse, {});
    request.end(body.padEnd(90_000));
    expect((await response).statusCode).toBe(200);
  });
});
