import type { IncomingMessage } from 'node:http';

import { type BufferLease, tooMuchBuffered } from '../buffer-budget.ts';
import type { Clock } from '../clock.ts';
import { type BodyLimits, type Bytes, readWhole, receiveBody, sha256Of } from '../http/body.ts';

/** The body of a request to Bedrock: the bytes that came, unless they were rewritten. */
export interface Body extends Bytes {
  /** Bytes that came. */
  readonly received: number;
  /** Hexadecimal SHA-256 of the bytes. */
  readonly sha256: string;
  /** Has `read` look at the bytes in one piece; takes what `otherwise` gives without room for a copy of them. */
  readWhole<T>(read: (whole: Buffer) => T, otherwise: () => T): T;
  /** Gives the memory back to the budget: the bytes are no longer needed. */
  release(): void;
}

/** Makes the body that is sent of the whole one that came, in pieces. Throws the refusal of one that cannot be sent. */
export type Rewrite = (body: Buffer) => readonly Buffer[];

/**
 * Receives a body, rewrites it where that is asked for, and hashes what is sent.
 *
 * @param lease for what is held; released here when the reading fails, else by the body
 * @throws ProxyError as `receiveBody` does, `unavailable` without room to rewrite, and what `rewrite` throws
 */
export async function readBody(
  request: IncomingMessage,
  limits: BodyLimits,
  lease: BufferLease,
  rewrite?: Rewrite,
  clock?: Clock,
): Promise<Body> {
  try {
    const came = await receiveBody(request, limits, lease, clock);
    const sent = rewrite === undefined ? came : rewritten(came, rewrite, lease);
    return {
      ...sent,
      received: came.length,
      sha256: sha256Of(sent.chunks),
      readWhole: (read, otherwise) => readWhole(sent, lease, read, otherwise),
      release: lease.release,
    };
  } catch (error) {
    lease.release();
    throw error;
  }
}

/** Up to this size a copy costs less than what each piece of a body does: a write to the connection of its own. */
const JOINED_BYTES = 65_536;

function rewritten(came: Bytes, rewrite: Rewrite, lease: BufferLease): Bytes {
  const pieces = readWhole(came, lease, rewrite, () => {
    throw tooMuchBuffered();
  });
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const chunks = pieces.length > 1 && length <= JOINED_BYTES ? [Buffer.concat(pieces, length)] : pieces;
  // A body of the largest size must not be refused for the few bytes that are ours.
  lease.hold(length);
  return { chunks, length };
}
