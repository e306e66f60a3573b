import { createHash, hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import { type BufferLease, tooMuchBuffered } from '../buffer-budget.ts';
import { type Clock, systemClock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { collectPieces } from './pieces.ts';

export interface BodyLimits {
  /** Largest body, in bytes. */
  readonly requestBytes: number;
  /** Time for the whole body to arrive, in milliseconds. */
  readonly uploadMs: number;
}

/** A body in pieces. */
export interface Bytes {
  readonly chunks: readonly Buffer[];
  readonly length: number;
}

/**
 * Receives a request's body.
 *
 * Listens to the stream's events instead of iterating it, because leaving an iteration early destroys the socket that
 * the refusal has to be written to. After a refusal the rest of the body runs into nothing.
 *
 * @param lease takes up what is announced, and what comes beyond that; not released here
 * @throws ProxyError `requestTooLarge`, `uploadTimeout` (too slow, or cut), `unavailable` when the process holds too
 *   much already
 */
export function receiveBody(
  request: IncomingMessage,
  limits: BodyLimits,
  lease: BufferLease,
  clock: Clock = systemClock,
): Promise<Bytes> {
  const announced = Number(request.headers['content-length'] ?? 0);
  return new Promise<Bytes>((resolve, reject) => {
    const pieces = collectPieces();
    let length = 0;

    const stop = () => {
      timer.cancel();
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    };
    const refuse = (error: ProxyError) => {
      stop();
      request.on('error', () => {}).resume();
      reject(error);
    };
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      if (length > limits.requestBytes) return refuse(tooLarge(limits.requestBytes));
      if (length > announced && !lease.resize(length)) return refuse(tooMuchBuffered());
      pieces.add(chunk);
    };
    const onEnd = () => {
      stop();
      resolve({ chunks: pieces.end(), length });
    };
    const onClose = () => refuse(new ProxyError('uploadTimeout', 'The request body ended before it was complete.'));
    const timer = clock.after(limits.uploadMs, () =>
      refuse(new ProxyError('uploadTimeout', 'The request body took too long to arrive.')),
    );

    if (request.destroyed) return onClose();
    if (announced > limits.requestBytes) return refuse(tooLarge(limits.requestBytes));
    if (!lease.resize(announced)) return refuse(tooMuchBuffered());
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

/**
 * Has `read` look at a body in one piece, or takes what `otherwise` gives when it came in several and there is no room for
 * a copy, which is there only meanwhile. The lease is that of the body.
 */
export function readWhole<T>(
  { chunks, length }: Bytes,
  lease: BufferLease,
  read: (whole: Buffer) => T,
  otherwise: () => T,
): T {
  const [only, second] = chunks;
  if (second === undefined) return read(only ?? Buffer.alloc(0));
  return lease.hasRoomFor(length) ? read(Buffer.concat(chunks, length)) : otherwise();
}

/** SHA-256 of an empty body. */
const EMPTY = hash('sha256', '');

/** Hexadecimal SHA-256 of a body: SigV4 needs it before the first byte can be sent on. */
export function sha256Of(chunks: readonly Buffer[]): string {
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
