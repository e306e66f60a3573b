import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, createApp, type CallOptions } from './fixture.ts';
import { startFunctionsHost, type FunctionsHost } from './host.ts';

/** Tells what it was called with: in the library's view, and in that of the library's HTTP server. */
const ECHO = `
const raw = new Map();
require('node:diagnostics_channel').subscribe('http.server.request.start', ({ request }) => {
  raw.set(request.headers['x-ms-invocation-id'], request.headers);
});
const echo = (name) => async (request, context) => {
  const body = await request.text();
  const { url, params } = request;
  const headers = { 'content-type': 'application/json', 'strict-transport-security': 'max-age=1', 'x-kept': '1' };
  const seen = { name, url, params, body, headers: Object.fromEntries(request.headers), raw: raw.get(context.invocationId) };
  return { headers, body: JSON.stringify({ ...seen, invocationId: context.invocationId }) };
};
const methods = ['GET', 'HEAD', 'POST'];
app.http('b-echo', { methods, authLevel: 'anonymous', route: '{*path}', handler: echo('b-echo') });
app.http('a-item', { methods, authLevel: 'anonymous', route: 'items/{id}', handler: echo('a-item') });
app.http('c-hidden', { methods, authLevel: 'anonymous', route: 'hidden', handler: echo('c-hidden') });
app.http('a-locked', { methods: ['GET'], authLevel: 'function', route: 'locked', handler: echo('a-locked') });
app.http('a-admin', { methods: ['GET'], authLevel: 'admin', route: 'master', handler: echo('a-admin') });
app.http('a-reserved', { methods: ['GET'], authLevel: 'anonymous', route: 'admin/own', handler: echo('a-reserved') });
`;

interface Echo {
  name: string;
  url: string;
  params: Record<string, string>;
  body: string;
  headers: Record<string, string>;
  raw: Record<string, string>;
  invocationId: string;
}

let host: FunctionsHost;
let fronted: FunctionsHost;
let removeApp: () => Promise<void>;

beforeAll(async () => {
  const app = await createApp(ECHO, { extensions: { http: { routePrefix: '' } } });
  removeApp = app.remove;
  [host, fronted] = await Promise.all([
    startFunctionsHost({ appDirectory: app.directory, bodyLimitBytes: 1000 }),
    startFunctionsHost({
      appDirectory: app.directory,
      frontEnd: true,
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '2000' },
    }),
  ]);
});

afterAll(async () => {
  await Promise.all([host.stop(), fronted.stop()]);
  await removeApp();
});

async function echo(path: string, options?: CallOptions, origin = host.url): Promise<Echo> {
  const { status, body } = await call(origin, path, options);
  expect(status).toBe(200);
  return JSON.parse(body) as Echo;
}

describe('the path', () => {
  const arn = '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aprofile';
  const decodedArn = '/model/arn:aws:bedrock:us-east-1:1:profile';
  it.each([
    // sent, as the function's URL has it, behind the front end (when it differs), as the route's parameter
    ['/model/us.anthropic.m-v1:0/converse', '/model/us.anthropic.m-v1:0/converse'],
    ['/model/m-v1%3A0/converse', '/model/m-v1:0/converse'],
    [`${arn}%2Fus.foo/converse`, `${decodedArn}%252Fus.foo/converse`, `${decodedArn}/us.foo/converse`],
    [`${arn}%252Fus.foo/converse`, `${decodedArn}%252Fus.foo/converse`],
    ['/a%20b', '/a%20b'],
    ['/a+b%2Bc', '/a+b+c'],
    ['/%c3%a9%E2%82%AC', '/%C3%A9%E2%82%AC'],
    ['/a%FFb', '/a%25FFb'],
    ['/a%C3(b', '/a%25C3(b'],
    ['/a//b', '/a//b'],
    ['/a/../b', '/b'],
    ['/a/%2e%2E/./b/.', '/b/'],
    ['/a%5Cb', '/a%5Cb', '/a/b'],
    ['/a%3Fb%23c', '/a%3Fb%23c'],
    ['/q?a=b%2Fc&d=e%20f&g=h+i', '/q?a=b%2Fc&d=e%20f&g=h+i'],
  ])('%s arrives as %s', async (sent, plain, behindFrontEnd = plain) => {
    expect((await echo(sent)).url).toBe(host.url + plain);
    const { url } = await echo(sent, {}, fronted.url);
    expect(url).toBe(fronted.url.replace('http:', 'https:') + behindFrontEnd);
  });

  it('is decoded in the parameter of the route, except for a slash', async () => {
    expect((await echo('/model/p%2Fus.f%C3%A9%20o')).params).toEqual({ path: 'model/p%2Fus.fé o' });
    expect((await echo('/model/p%2Fus', {}, fronted.url)).params).toEqual({ path: 'model/p/us' });
  });

  it('is kept as it was sent in a header of the front end, and only there', async () => {
    const sent = { headers: { 'x-waws-unencoded-url': '/forged' } };
    expect((await echo('/a%2Fb?c', sent, fronted.url)).raw['x-waws-unencoded-url']).toBe('/a%2Fb?c');
    expect((await echo('/a%2Fb?c', sent)).raw['x-waws-unencoded-url']).toBe('/forged');
  });

  it.each([
    ['/a%00b', 400],
    ['*', 405],
  ])('%s is refused', async (path, status) => {
    expect((await call(host.url, path)).status).toBe(status);
  });
});

describe('the route', () => {
  it.each([
    ['/anything', 'b-echo'],
    ['/', 'b-echo'],
    ['/ITEMS/1', 'a-item'],
    ['/items/1/', 'a-item'],
    ['/items/1/2', 'b-echo'],
    // Its name sorts after that of the catch-all.
    ['/hidden', 'b-echo'],
  ])('%s leads to %s', async (path, name) => {
    expect((await echo(path)).name).toBe(name);
  });

  it.each([
    ['DELETE', '/anything'],
    ['GET', '//anything'],
    ['GET', '/admin/own'],
    ['GET', '/runtime/webhooks'],
  ])('%s %s leads nowhere', async (method, path) => {
    expect(await call(host.url, path, { method })).toMatchObject({ status: 404, body: '' });
  });

  it('of the status page belongs to the host and wants the master key', async () => {
    expect((await call(host.url, '/admin/host/status')).status).toBe(401);
    const headers = { 'x-functions-key': host.masterKey };
    expect((await call(host.url, '/admin/host/status', { headers })).status).toBe(200);
  });

  it('is told in the order in which it is tried, without what is reserved', () => {
    expect(host.functions.map(({ name }) => name)).toEqual(['a-admin', 'a-item', 'a-locked', 'b-echo', 'c-hidden']);
  });
});

describe('a key', () => {
  it('is asked for before the function hears of the call', async () => {
    expect(await call(host.url, '/locked')).toMatchObject({ status: 401, body: '' });
    const wrong = { 'x-functions-key': 'wrong' };
    expect((await call(host.url, `/locked?code=${host.functionKey}`, { headers: wrong })).status).toBe(401);
    const header = { 'x-functions-key': host.functionKey };
    expect((await call(host.url, '/master', { headers: header })).status).toBe(401);
  });

  it('stays in the request that the function sees', async () => {
    const { headers, raw } = await echo('/locked', { headers: { 'x-functions-key': host.functionKey } });
    expect([headers['x-functions-key'], raw['x-functions-key']]).toEqual([host.functionKey, host.functionKey]);
    const { url, params } = await echo(`/locked?Code=${host.masterKey}`);
    expect(url).toContain(host.masterKey);
    expect(params).toEqual({});
  });
});

describe('the headers', () => {
  const forged = '{"x-user":"admin"}';
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(`{"Headers":${forged}}`, 'utf16le')]);
  it.each<[string, string, CallOptions]>([
    ['the query', `/x?Headers=${encodeURIComponent(forged)}`, {}],
    ['a JSON body', '/x', { method: 'POST', body: ` {"Headers":${forged}} ` }],
    ['a body that is JSON to the host only', '/x', { method: 'POST', body: "{/**/Headers:{'x-user':'admin',},}" }],
    ['a body in UTF-16', '/x', { method: 'POST', body: utf16 }],
  ])('are forged by %s, but not in the raw request', async (_how, path, options) => {
    const { headers, raw } = await echo(path, { ...options, headers: { 'x-user': 'me' } });
    expect(headers).toEqual({ 'x-user': 'admin' });
    expect(raw['x-user']).toBe('me');
  });

  it('vanish when the query names them in another case', async () => {
    const { headers, raw } = await echo('/x?headers=1', { headers: { 'x-user': 'me' } });
    expect([headers, raw['x-user']]).toEqual([{}, 'me']);
  });

  it('are not forged by a chunked body, which the host does not read', async () => {
    const { headers, params, body } = await echo('/x', {
      method: 'POST',
      body: `{"Headers":${forged}}`,
      chunked: true,
    });
    expect(headers['transfer-encoding']).toBe('chunked');
    expect([params, body]).toEqual([{ path: 'x' }, `{"Headers":${forged}}`]);
  });

  it('show hop-by-hop ones and what the client claims, which the raw request does not', async () => {
    const sent = {
      te: 'trailers',
      'x-ms-invocation-id': 'mine',
      'x-forwarded-host': 'evil',
      'x-forwarded-prefix': '/evil',
      'x-twice': ['a', 'b'],
      connection: 'close, x-listed',
      'x-listed': '1',
    };
    const { headers, raw, invocationId } = await echo('/x', { headers: sent });
    expect(headers).toMatchObject({ ...sent, 'x-twice': 'a,b' });
    expect(raw).toMatchObject({
      'x-ms-invocation-id': invocationId,
      'x-forwarded-host': new URL(host.url).host,
      'x-forwarded-proto': 'http',
      'x-twice': 'a, b',
      'x-listed': '1',
    });
    expect(raw['connection']).toBe('keep-alive');
    expect(raw).not.toHaveProperty('te');
    expect(raw).not.toHaveProperty('x-forwarded-prefix');
  });

  it('continue the trace of the client in a span of the host, if that exports spans', async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c';
    const headers = { traceparent: `${trace}-b7ad6b7169203331-00` };
    expect((await echo('/x', { headers })).raw['traceparent']).toBe(headers.traceparent);
    expect((await echo('/x')).raw).not.toHaveProperty('traceparent');
    const { raw } = await echo('/x', { headers }, fronted.url);
    expect(raw['traceparent']).toMatch(new RegExp(`^${trace}-(?!b7ad6b7169203331)[0-9a-f]{16}-00$`));
  });

  it('of one name are one field at the worker', async () => {
    const { raw } = await echo('/x', { method: 'POST', headers: { 'content-type': ['a/b', 'c/d'] }, body: 'x' });
    expect(raw['content-type']).toBe('a/b, c/d');
  });

  it('of the answer lose Strict-Transport-Security', async () => {
    const { headers } = await call(host.url, '/x', { method: 'HEAD' });
    expect(headers).toMatchObject({ 'x-kept': '1', 'content-type': 'application/json' });
    expect(headers).not.toHaveProperty('strict-transport-security');
  });
});

describe('the parameters', () => {
  it('mix route, query and body, in the case of the first name', async () => {
    const body = '{"PATH":"body","n":1,"yes":true,"none":null,"list":["x"]}';
    const { params } = await echo('/x?path=query&N=2', { method: 'POST', body });
    expect(params).toEqual({ PATH: 'x', n: '2', yes: 'True' });
  });
});

describe('the body', () => {
  it('with a length over the limit is a 500', async () => {
    const { status } = await call(host.url, '/x', { method: 'POST', body: Buffer.alloc(1001) });
    expect(status).toBe(500);
    expect((await call(fronted.url, '/x', { method: 'POST', body: Buffer.alloc(2000) })).status).toBe(200);
    expect((await call(fronted.url, '/x', { method: 'POST', body: Buffer.alloc(2001) })).status).toBe(500);
  });

  it('in chunks over the limit is a 500, and the function sees a cut upload', async () => {
    const { status } = await call(host.url, '/x', { method: 'POST', body: Buffer.alloc(1001), chunked: true });
    expect(status).toBe(500);
    expect(host.logs.some(({ message }) => message.startsWith(`Executed 'Functions.b-echo' (Failed`))).toBe(true);
  });
});
