import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';

/** Settles once the system has taken `bytes`; false when the connection is gone, then they are lost. */
export function write(response: ServerResponse, bytes: Uint8Array | string): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const gone = (): void => resolve(false);
    response.once('close', gone);
    response.write(bytes, (error) => {
      response.off('close', gone);
      resolve(error === null || error === undefined);
    });
  });
}

/** Sends the headers alone, at once, and gives a client in the same process a turn of the loop to see them. */
export async function writeHeaders(response: ServerResponse, status: number, headers: Headers): Promise<void> {
  response.writeHead(status, headers).flushHeaders();
  await turn();
}

/** Header names and values as `ServerResponse.writeHead` takes them. */
export type Headers = Readonly<Record<string, string>>;

/** Ends the response with `bytes`; settles when the system has all of it or the connection is gone. */
export function end(response: ServerResponse, bytes?: Uint8Array): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    response.once('close', resolve);
    response.end(bytes);
  });
}

/** Waits, but not beyond the end of the connection; 0 is one turn of the loop. */
export function pause(response: ServerResponse, milliseconds: number): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  if (milliseconds === 0) return turn();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      response.off('close', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    response.once('close', done);
  });
}
