import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';

import { type Answer, createCollector } from './answer.ts';
import type { Endpoint, Question } from './endpoint.ts';
import { type NoAnswer, toNoAnswer } from './no-answer.ts';

/** What came of a call over HTTP/2; `agreed` is the protocol that the server has chosen, where it is another. */
export type Http2Answer = Answer | NoAnswer | { readonly agreed: string };

/** Offers HTTP/2 and HTTP/1.1 by ALPN, as clients do, and asks over HTTP/2 if that is agreed upon. */
export async function askByHttp2(endpoint: Endpoint, question: Question, timeoutMs: number): Promise<Http2Answer> {
  const { hostname, port, origin } = new URL(endpoint.origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  const signal = AbortSignal.timeout(timeoutMs);
  const socket = connectTls({
    host,
    port: Number(port || 443),
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  const abort = () => socket.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort);
  let session: ClientHttp2Session | undefined;
  try {
    await once(socket, 'secureConnect');
    if (socket.alpnProtocol !== 'h2') return { agreed: socket.alpnProtocol || 'none' };
    session = connectHttp2(origin, { createConnection: () => socket });
    const answer = await exchange(session, socket, endpoint, question);
    endpoint.onAnswer(question, answer);
    return answer;
  } catch (error) {
    return toNoAnswer(signal.aborted ? signal.reason : error, timeoutMs);
  } finally {
    signal.removeEventListener('abort', abort);
    session?.destroy();
    socket.on('error', () => {});
    socket.destroy();
  }
}

async function exchange(
  session: ClientHttp2Session,
  socket: TLSSocket,
  { path }: Endpoint,
  { method, path: below, headers, body }: Question,
): Promise<Answer> {
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const startedAt = performance.now();
  const stream = session.request({
    ':method': method ?? (content === undefined ? 'GET' : 'POST'),
    ':path': path + below,
    ...(content && { 'content-type': 'application/json', 'content-length': content.length }),
    ...headers,
  });
  // A session that fails says so beside its streams.
  const broken = new Promise<never>((_, reject) => {
    session.once('error', reject);
    socket.once('error', reject);
  });
  broken.catch(() => {});
  stream.end(content);
  const [answered] = (await Promise.race([once(stream, 'response'), broken])) as [IncomingHttpHeaders];
  const { ':status': status = 0, ...rest } = answered;
  const collector = createCollector(Number(status), rest, startedAt);
  try {
    for await (const piece of stream) collector.add(piece as Buffer);
    return collector.end(!stream.aborted && stream.rstCode === 0);
  } catch {
    return collector.end(false);
  }
}
