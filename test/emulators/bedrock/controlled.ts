import type { ServerResponse } from 'node:http';
import { EVENT_STREAM } from './answer.ts';
import type { ReceivedRequest, Responder } from './received-request.ts';
import { end, write, writeHeaders, type Headers } from './wire.ts';

/** A streamed answer in the hands of a test; everything waits until the request is there. */
export interface Controlled {
  /** For one request. Sends status and headers at once. */
  readonly responder: Responder;
  /** The request, once the headers of its answer have been sent. */
  readonly started: Promise<ReceivedRequest>;
  /** Sends one chunk; settles when the system has it, rejects when the client is gone. */
  send(bytes: Uint8Array | string): Promise<void>;
  /** Ends the answer as complete. */
  end(): Promise<void>;
  /** Closes the connection in the middle of the answer. */
  destroy(): Promise<void>;
}

/** A stream whose chunks are released one by one: what is at the client came before what has not been sent yet. */
export function controlled(headers: Headers = EVENT_STREAM, status = 200): Controlled {
  const start = Promise.withResolvers<{ request: ReceivedRequest; response: ServerResponse }>();
  return {
    responder: async (request, response) => {
      response.socket?.setNoDelay(true);
      await writeHeaders(response, status, headers);
      start.resolve({ request, response });
    },
    started: start.promise.then(({ request }) => request),
    async send(bytes) {
      const { response } = await start.promise;
      if (!(await write(response, bytes))) throw new Error('The client has closed the connection.');
    },
    async end() {
      const { response } = await start.promise;
      await end(response);
    },
    async destroy() {
      const { response } = await start.promise;
      response.destroy();
    },
  };
}
