import { createServer, type IncomingMessage, type RequestListener } from 'node:http';

import { listen } from '../../support/listen.ts';

/** A request as it arrived. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
}

/** A plain HTTP server in the place of the Functions host. */
export interface EchoBackend {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** Requests from now on are answered by this, and no more with an empty 200. */
  answerWith(listener: RequestListener): void;
  close(): Promise<void>;
}

const acknowledge: RequestListener = (incoming, outgoing) => {
  incoming.resume().once('end', () => outgoing.end());
};

export async function startEchoBackend(): Promise<EchoBackend> {
  const requests: ReceivedRequest[] = [];
  let listener = acknowledge;
  const server = createServer((incoming, outgoing) => {
    const { method = '', url: target = '', rawHeaders, headers } = incoming;
    requests.push({ method, target, rawHeaders, headers });
    listener(incoming, outgoing);
  });
  const { url, close } = await listen(server);
  return {
    url,
    requests,
    answerWith(next) {
      listener = next;
    },
    close,
  };
}
