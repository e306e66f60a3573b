import type { UpstreamLimits } from '../aws/upstream.ts';
import type { BodyLimits } from '../http/body.ts';
import type { LifetimeLimits } from '../proxy/lifetime.ts';
import type { Reader } from './reader.ts';

/** Bytes, and times in milliseconds. */
export interface Limits extends BodyLimits, LifetimeLimits, UpstreamLimits {
  /** What all requests may hold in memory together. */
  readonly bufferedBytes: number;
}

export function readLimits(read: Reader, problems: string[]): Limits {
  const requestBytes = read.integer('MAX_REQUEST_BYTES', 26_214_400, 104_857_600);
  const bufferedBytes = read.integer('MAX_BUFFERED_BYTES', 268_435_456, Number.MAX_SAFE_INTEGER);
  // One subscription may hold half of it, and a body that is rewritten is copied.
  if (bufferedBytes < 2 * requestBytes) problems.push('MAX_BUFFERED_BYTES must be at least twice MAX_REQUEST_BYTES');
  return {
    requestBytes,
    bufferedBytes,
    uploadMs: 1000 * read.integer('UPLOAD_TIMEOUT_SECONDS', 60, 230),
    firstByteMs: 1000 * read.integer('FIRST_BYTE_DEADLINE_SECONDS', 225, 230),
    connectMs: 1000 * read.integer('UPSTREAM_CONNECT_TIMEOUT_SECONDS', 5, 230),
    headersMs: 1000 * read.integer('UPSTREAM_HEADERS_TIMEOUT_SECONDS', 220, 230),
    idleMs: 1000 * read.integer('UPSTREAM_IDLE_TIMEOUT_SECONDS', 225, 235),
    streamMs: 1000 * read.integer('STREAM_DEADLINE_SECONDS', 1620, 1790),
  };
}
