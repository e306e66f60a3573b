import { once } from 'node:events';
import { type ClientRequest, createServer, request } from 'node:http';
import { Readable } from 'node:stream';

import { expect, it } from 'vitest';

import { listen } from '../../support/listen.ts';
import { sendBuffers, sendStream } from './forward-copy.ts';

/** Far more than sockets hold. */
const PIECES = Array.from({ length: 256 }, () => Buffer.alloc(65_536));
const EVENTS = { progress() {}, failed() {} };

it.each<[string, (outgoing: ClientRequest) => void]>([
  ['in buffers', (outgoing) => sendBuffers(PIECES, outgoing, EVENTS)],
  ['that streams', (outgoing) => sendStream(Readable.from(PIECES), outgoing, EVENTS, Infinity)],
])('a body %s is sent to its end also behind an answer that is complete', async (_name, send) => {
  const server = await listen(createServer((_incoming, response) => response.end('refused')));
  const outgoing = request({ port: server.port, host: '127.0.0.1', method: 'POST' });
  const finished = once(outgoing, 'finish');
  send(outgoing);
  await once(outgoing, 'response');
  await finished;
  expect(outgoing.writableNeedDrain).toBe(false);
  // What breaks from here on is not looked at.
  outgoing.on('error', () => {}).destroy();
  await server.close();
});
