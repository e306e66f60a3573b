import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createUpstream, type Upstream } from '../../../src/aws/upstream.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

let clock: ManualClock;
beforeEach(() => {
  clock = manualClock();
});

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A server that counts its connections and answers everything with `ok`, and an upstream that leads there. */
async function start(listenOn = '127.0.0.1') {
  const connections: Socket[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    response.end('ok');
  });
  server.on('connection', (socket) => connections.push(socket));
  server.listen(0, listenOn);
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { server, connections, upstream: upstreamOf(port, listenOn) };
}

function upstreamOf(port: number, address: string): Upstream {
  const host = address.includes(':') ? `[${address}]` : address;
  const upstream = createUpstream(
    `http://${host}:${port}`,
    { connectMs: 20_000, headersMs: 5000, idleMs: 5000 },
    clock,
  );
  closers.push(() => upstream.close());
  return upstream;
}

async function call(upstream: Upstream): Promise<string> {
  const answer = await upstream.send({
    method: 'POST',
    target: '/',
    headers: {},
    body: [Buffer.from('{}')],
    bodyLength: 2,
    signal: new AbortController().signal,
  });
  const chunks: Buffer[] = [];
  for (let chunk = await answer.read(); chunk !== undefined; chunk = await answer.read()) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('a connection made before the first call', () => {
  it.each(['127.0.0.1', '::1'])('is there without a call, and serves the first one: %s', async (address) => {
    const { server, connections, upstream } = await start(address);
    upstream.prepare();
    await once(server, 'connection');
    expect(await call(upstream)).toBe('ok');
    expect(connections).toHaveLength(1);
  });

  it('serves calls that come while it is being made', async () => {
    const { connections, upstream } = await start();
    upstream.prepare();
    expect(await Promise.all([call(upstream), call(upstream)])).toStrictEqual(['ok', 'ok']);
    expect(connections).toHaveLength(2);
  });

  it('that the server has closed is replaced', async () => {
    const { server, connections, upstream } = await start();
    upstream.prepare();
    const [socket] = (await once(server, 'connection')) as [Socket];
    const closed = once(socket, 'close');
    socket.end();
    // Closed by both sides, so the other one knows.
    await closed;
    expect(await call(upstream)).toBe('ok');
    expect(connections).toHaveLength(2);
  });

  it('is closed when nobody has called for ten seconds', async () => {
    const { server, connections, upstream } = await start();
    upstream.prepare();
    const [socket] = (await once(server, 'connection')) as [Socket];
    const closed = once(socket, 'close');
    while (clock.pending === 0) await turn();
    await clock.pass(9999);
    expect(socket.destroyed).toBe(false);
    await clock.pass(1);
    await closed;
    expect(await call(upstream)).toBe('ok');
    expect(connections).toHaveLength(2);
  });

  it('stays when a call has come in time', async () => {
    const { connections, upstream } = await start();
    upstream.prepare();
    while (clock.pending === 0) await turn();
    expect(await call(upstream)).toBe('ok');
    expect(clock.pending).toBe(0);
    // undici takes a connection back one turn after the end.
    await turn();
    expect(await call(upstream)).toBe('ok');
    expect(connections).toHaveLength(1);
  });

  it('that cannot be made is met again by the first call, as an error that says so', async () => {
    const { server, upstream } = await start();
    server.close();
    await once(server, 'close');
    upstream.prepare();
    await expect(call(upstream)).rejects.toMatchObject({ failure: 'upstreamBroken' });
    await expect(call(upstream)).rejects.toMatchObject({ failure: 'upstreamBroken' });
  });

  it('is closed with the others', async () => {
    const { server, upstream } = await start();
    upstream.prepare();
    const [socket] = (await once(server, 'connection')) as [Socket];
    const closed = once(socket, 'close');
    // Its own side knows of the connection too: a call has gone over it.
    expect(await call(upstream)).toBe('ok');
    await upstream.close();
    await closed;
  });
});
