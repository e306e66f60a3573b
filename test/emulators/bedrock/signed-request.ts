import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { signWithCrt, type Draft } from './crt-signer.ts';
import type { BedrockKey } from './sigv4-verifier.ts';

/** A request under way: one may read its answer as it comes, or go away. */
export interface SentRequest {
  readonly request: ClientRequest;
  /** The answer's headers; rejects when the connection breaks before them. */
  readonly response: Promise<IncomingMessage>;
}

/** Sends one signed request on a connection of its own, without any of an SDK's retries. */
export async function sendSigned(
  url: string,
  key: BedrockKey,
  target: string,
  body: object | Buffer,
  draft: Partial<Draft> = {},
): Promise<SentRequest> {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const { method, rawHeaders } = await signWithCrt({
    method: 'POST',
    target,
    host: new URL(url).host,
    headers: [['content-type', 'application/json']],
    body: bytes,
    key,
    region: 'us-east-1',
    service: 'bedrock',
    date: new Date(),
    hashHeader: true,
    ...draft,
  });
  const request = httpRequest(url, {
    method,
    path: target,
    headers: [...rawHeaders, ...lengthOf(bytes)],
    agent: false,
  });
  const response = once(request, 'response').then(([message]) => message as IncomingMessage);
  request.end(bytes);
  return { request, response };
}

function lengthOf(bytes: Buffer): readonly string[] {
  return ['content-length', String(bytes.length)];
}
