import { createServer } from 'node:http';
import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

/** What a plain server of Node makes of some bytes. */
export interface Reading {
  /** Methods of the requests whose heads came whole, in turn. */
  readonly methods: readonly string[];
  /** How many of these requests came whole, body included. */
  readonly whole: number;
  /** The bytes behind them are refused; another server may take them for a beginning and wait for the rest. */
  readonly refused: boolean;
}

/**
 * Reads the bytes by Node's own server, on a connection that never leaves this process: it tells an incomplete request,
 * which may wait for its rest, from one that has to be answered.
 */
export async function readByReference(bytes: Buffer, maxHeaderSize: number): Promise<Reading> {
  const methods: string[] = [];
  let whole = 0;
  let refused = false;
  const server = createServer({ maxHeaderSize }, (request, response) => {
    const at = methods.push(request.method ?? '') - 1;
    request.resume().once('end', () => {
      whole = Math.max(whole, at + 1);
      response.end();
    });
  });
  server.on('clientError', (_error, socket) => {
    refused = true;
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
  return { methods, whole, refused };
}
