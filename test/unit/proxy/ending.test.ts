import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { endAtDeadline, endByFailure } from '../../../src/proxy/ending.ts';
import { type Listening, listen } from '../../support/listen.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

const MESSAGE = Buffer.from('the failure');
/** More than a connection takes whose other end does not read. */
const UNREAD = Buffer.alloc(64 * 1024 * 1024);

let server: Listening;
let clock: ManualClock;
let socket: Socket;
let response: ServerResponse;

beforeEach(async () => {
  clock = manualClock();
  const begun = Promise.withResolvers<ServerResponse>();
  server = await listen(createServer((_request, answer) => begun.resolve(answer)));
  socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  response = await begun.promise;
});
afterEach(async () => {
  socket.destroy();
  await server.close();
});

async function received(): Promise<string> {
  return Buffer.concat(await socket.toArray()).toString('latin1');
}

it('a failure, and a clean end', async () => {
  await endByFailure(response, { message: MESSAGE, breaks: false }, clock);
  response.end();
  expect(await received()).toMatch(/\r\nb\r\nthe failure\r\n0\r\n\r\n$/);
  if (!response.closed) await once(response, 'close');
  expect(clock.pending).toBe(0);
});

it('a failure, and a broken connection: the message arrives, the end does not', async () => {
  await endByFailure(response, { message: MESSAGE, breaks: true }, clock);
  expect(response.destroyed).toBe(true);
  expect(await received()).toMatch(/\r\nb\r\nthe failure\r\n$/);
  expect(clock.pending).toBe(0);
});

it.each([true, false])('a caller that reads nothing loses the connection after five seconds: %s', async (breaks) => {
  response.write(UNREAD);
  const ending = endByFailure(response, { message: MESSAGE, breaks }, clock);
  if (!breaks) {
    await ending;
    response.end();
  }
  await clock.pass(4999);
  expect(response.destroyed).toBe(false);
  await clock.pass(1);
  expect(response.destroyed).toBe(true);
  await ending;
});

it('a caller that does not read the end of a whole answer loses the connection at the deadline', async () => {
  const deadline = new AbortController();
  const failures: unknown[] = [];
  response.write(UNREAD);
  endAtDeadline(response, deadline.signal, { failed: (error) => failures.push(error) });
  response.end();
  expect(response.destroyed).toBe(false);
  deadline.abort('too late');
  expect(response.destroyed).toBe(true);
  expect(failures).toStrictEqual(['too late']);
});
