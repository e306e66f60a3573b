import { mkdir, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import { constants, createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { join } from 'node:path';

import { listen } from '../support/listen.ts';
import { root } from '../support/root.ts';
import { selfSignedCertificate } from '../support/self-signed-certificate.ts';

export interface TlsFront {
  /** The name that the certificate is for. */
  readonly origin: string;
  /** File of the certificate, which a client has to be told to trust. */
  readonly certificate: string;
  close(): Promise<void>;
}

type Response = ServerResponse & { readonly stream?: ServerHttp2Stream };

/** Of one connection only (RFC 9110 7.6.1); HTTP/2 forbids them. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade']);

/**
 * TLS before the gateway, as API Management has it with HTTP/2 enabled: ALPN offers `h2` and `http/1.1`, the rest of
 * the way is HTTP/1.1. The key exists in this process only; the certificate is written to `dist` and removed at the end.
 */
export async function startTlsFront(gatewayPort: number, port: number): Promise<TlsFront> {
  const { key, cert } = await selfSignedCertificate('localhost', 30);
  const server = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) =>
    // Of HTTP/1.1 they are these anyway; those of HTTP/2 are made to be used as these ("Compatibility API").
    forward(request as unknown as IncomingMessage, response as unknown as Response, gatewayPort),
  );
  const listening = await listen(server, port);
  const certificate = join(root, `dist/localhost-${listening.port}.pem`);
  await mkdir(join(root, 'dist'), { recursive: true });
  await writeFile(certificate, cert);
  return {
    origin: `https://localhost:${listening.port}`,
    certificate,
    async close() {
      await listening.close();
      await rm(certificate, { force: true });
    },
  };
}

function forward(request: IncomingMessage, response: Response, port: number): void {
  const { ':authority': authority, ...headers } = request.headers;
  const outgoing = httpRequest({
    host: '127.0.0.1',
    port,
    method: request.method ?? '',
    path: request.url ?? '',
    headers: { ...kept(headers), ...(typeof authority === 'string' ? { host: authority } : {}) },
    // A kept connection may be closed as it is used, and that failure would be this server's.
    agent: false,
  });
  outgoing.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 0, kept(answer.headersDistinct));
    response.flushHeaders();
    answer.once('error', () => breakOff(response));
    answer.pipe(response);
  });
  outgoing.once('error', () => breakOff(response));
  response.once('close', () => outgoing.destroy());
  // Of a body that is refused by its length no byte need ever come.
  outgoing.flushHeaders();
  request.pipe(outgoing);
}

function kept<Value>(headers: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(':') && !HOP_BY_HOP.has(name)));
}

/** What broke must not look complete: no last chunk, no END_STREAM. */
function breakOff(response: Response): void {
  if (response.stream === undefined) response.destroy();
  else response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}
