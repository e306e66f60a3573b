import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request, type RequestOptions } from 'node:http';

/** A request in the hands of a test, on a connection of its own. */
export interface RawCall {
  readonly request: ClientRequest;
  /** Rejects when the connection breaks before the headers of the answer. */
  readonly response: Promise<IncomingMessage>;
}

/** Begins a request; the caller writes its body and ends it. */
export function beginCall(url: string, options: RequestOptions = {}): RawCall {
  const outgoing = request(url, { agent: false, ...options });
  const response = once(outgoing, 'response').then(([incoming]) => incoming as IncomingMessage);
  // A test that is not interested in the answer must not fail for its absence.
  response.catch(() => {});
  outgoing.on('error', () => {});
  return { request: outgoing, response };
}

/** Reads one chunk of a paused response; undefined at its end, and where it is broken already. */
export async function nextChunk(response: IncomingMessage): Promise<Buffer | undefined> {
  for (;;) {
    const chunk: unknown = response.read();
    if (chunk instanceof Buffer) return chunk;
    if (response.readableEnded || response.destroyed) return undefined;
    const next = new AbortController();
    try {
      await Promise.race(['readable', 'end', 'close'].map((event) => once(response, event, { signal: next.signal })));
    } finally {
      next.abort();
    }
  }
}

/** Reads until `count` bytes are there, or the response ends. */
export async function readBytes(response: IncomingMessage, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let length = 0; length < count;) {
    const chunk = await nextChunk(response);
    if (chunk === undefined) break;
    chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks);
}
