import { createHash, hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import type { BufferBudget } from '../buffer-budget.ts';
import { ProxyError } from '../errors.ts';

export interface Body {
  /** The bytes to send, in order: those that came, unless they were rewritten. */
  readonly chunks: readonly Buffer[];
  readonly length: number;
  /** Bytes that came. */
  readonly received: number;
  /** Hexadecimal SHA-256 of the bytes. */
  readonly sha256: string;
  /** Gives the memory back to the budget: the bytes are no longer needed. */
  release(): void;
}

export interface BodyLimits {
  /** Largest body, in bytes. */
  readonly requestBytes: number;
  /** Time for the whole body to arrive, in milliseconds. */
  readonly uploadMs: number;
}

/** Makes the body that is sent of the whole one that came, in pieces. Throws the refusal of one that cannot be sent. */
export type Rewrite = (body: Buffer) => readonly Buffer[];

/**
 * Reads a request's body and hashes it while it arrives: SigV4 needs the hash before the first byte can be sent on.
 *
 * Listens to the stream's events instead of iterating it, because leaving an iteration early destroys the socket that
 * the refusal has to be written to. After a refusal the rest of the body runs into nothing.
 *
 * @throws ProxyError `requestTooLarge`, `uploadTimeout` (too slow, or cut), `unavailable` when the process holds too
 *   much already, and what `rewrite` throws
 */
export function readBody(
  request: IncomingMessage,
  limits: BodyLimits,
  budget: BufferBudget,
  rewrite?: Rewrite,
): Promise<Body> {
  const lease = budget.lease();
  const announced = Number(request.headers['content-length'] ?? 0);
  return new Promise<Body>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;

    const stop = () => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    };
    const refuse = (error: ProxyError) => {
      stop();
      lease.release();
      request.on('error', () => {}).resume();
      reject(error);
    };
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      if (length > limits.requestBytes) return refuse(tooLarge(limits.requestBytes));
      if (length > announced && !lease.resize(length)) return refuse(tooMuchBuffered());
      chunks.push(chunk);
    };
    const finish = (sent: readonly Buffer[], sentLength: number) =>
      resolve({ chunks: sent, length: sentLength, received: length, sha256: sha256Of(sent), release: lease.release });
    const onEnd = () => {
      stop();
      if (rewrite === undefined) return finish(chunks, length);
      try {
        const [only, second] = chunks;
        const sent = rewrite(only !== undefined && second === undefined ? only : Buffer.concat(chunks));
        const sentLength = sent.reduce((sum, piece) => sum + piece.length, 0);
        if (!lease.resize(sentLength)) throw tooMuchBuffered();
        finish(sent, sentLength);
      } catch (error) {
        lease.release();
        reject(error);
      }
    };
    const onClose = () => refuse(new ProxyError('uploadTimeout', 'The request body ended before it was complete.'));
    const timer = setTimeout(
      () => refuse(new ProxyError('uploadTimeout', 'The request body took too long to arrive.')),
      limits.uploadMs,
    );

    if (request.destroyed) return onClose();
    if (announced > limits.requestBytes) return refuse(tooLarge(limits.requestBytes));
    if (!lease.resize(announced)) return refuse(tooMuchBuffered());
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

/** SHA-256 of an empty body. */
const EMPTY = hash('sha256', '');

function sha256Of(chunks: readonly Buffer[]): string {
  const [first, second] = chunks;
  if (first === undefined) return EMPTY;
  if (second === undefined) return hash('sha256', first);
  const sha256 = createHash('sha256');
  for (const chunk of chunks) sha256.update(chunk);
  return sha256.digest('hex');
}

function tooLarge(limit: number): ProxyError {
  return new ProxyError('requestTooLarge', `The request body is larger than ${limit} bytes.`);
}

function tooMuchBuffered(): ProxyError {
  return new ProxyError('unavailable', 'The proxy holds too many request bodies at the moment.', {
    retryAfterSeconds: 1,
  });
}
