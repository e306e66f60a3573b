import { createHash, hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import type { BufferBudget } from '../buffer-budget.ts';
import { ProxyError } from '../errors.ts';

export interface Body {
  /** The bytes in the order of their arrival. */
  readonly chunks: readonly Buffer[];
  readonly length: number;
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

/**
 * Reads a request's body and hashes it while it arrives: SigV4 needs the hash before the first byte can be sent on.
 *
 * Listens to the stream's events instead of iterating it, because leaving an iteration early destroys the socket that
 * the refusal has to be written to. After a refusal the rest of the body runs into nothing.
 *
 * @throws ProxyError `requestTooLarge`, `uploadTimeout` (too slow, or cut), `unavailable` when the process holds too
 *   much already
 */
export function readBody(request: IncomingMessage, limits: BodyLimits, budget: BufferBudget): Promise<Body> {
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
    const onEnd = () => {
      stop();
      resolve({ chunks, length, sha256: sha256Of(chunks), release: () => lease.release() });
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
