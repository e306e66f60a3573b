import { createServer } from 'node:http';
import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

/** What a plain server of Node makes of some bytes. */
export interface Reading {
  /** Methods of the requests that came whole, in turn. */
  readonly methods: readonly string[];
  /** Answers that are due: one to each whole request, and one to bytes that are no request. */
  readonly due: number;
}

/**
 * Reads the bytes by Node's own server, on a connection that never leaves this process: it tells an incomplete request,
 * which may wait for its rest, from one that has to be answered.
 */
export async function readByReference(bytes: Buffer, maxHeaderSize: number): Promise<Reading> {
  const methods: string[] = [];
  let whole = 0;
  let refused = 0;
  const server = createServer({ maxHeaderSize }, (request, response) => {
    const at = methods.push(request.method ?? '') - 1;
    request.resume().once('end', () => {
      whole = Math.max(whole, at + 1);
      response.end();
    });
  });
  server.on('clientError', (_error, socket) => {
    refused = 1;
    socket.destroy();
  });
  const [ours, theirs] = duplexPair();
  ours.on('error', () => {}).resume();
  server.emit('connection', theirs);
  ours.write(bytes);
  // Nothing here waits for anything outside this process.
  for (let count = 0; count < 8; count += 1) await turn();
  ours.destroy();
  theirs.destroy();
  return { methods, due: whole + refused };
}
