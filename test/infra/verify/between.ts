import { type IncomingMessage, request, type ServerResponse } from 'node:http';

/** What a server between two others may do to a call. */
export interface Meddling {
  readonly target?: (target: string) => string;
  /** Headers of the answer, by names in lower case. */
  readonly headers?: (headers: Record<string, string[] | undefined>) => Record<string, string[] | undefined>;
}

/** Passes calls on to another server, and their answers back as they come. */
export function forwardTo(
  origin: string,
  { target = (text) => text, headers = (all) => all }: Meddling = {},
): (incoming: IncomingMessage, response: ServerResponse) => void {
  const { hostname, port } = new URL(origin);
  return (incoming, response) => {
    const outgoing = request({
      hostname,
      port,
      agent: false,
      method: incoming.method,
      path: target(incoming.url ?? ''),
      headers: incoming.headers,
    });
    outgoing.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 0, headers({ ...answer.headersDistinct }));
      response.flushHeaders();
      answer.once('error', () => response.destroy());
      answer.pipe(response);
    });
    outgoing.once('error', () => response.destroy());
    response.once('close', () => outgoing.destroy());
    outgoing.flushHeaders();
    incoming.pipe(outgoing);
  };
}
