import type { ProxyError } from '../errors.ts';

/**
 * Cuts a stream of bytes at the ends of its messages, so that what has been forwarded is always whole messages and one
 * of our own can follow. Bytes are neither altered nor, but for the few at a cut, copied.
 */
export interface Framer {
  /** Takes the next bytes and returns those that complete messages, in order; the rest is kept. */
  push(chunk: Buffer): readonly Buffer[];
  /** Bytes kept of a message that is not complete. */
  readonly pending: number;
  /** Set once bytes have come that cannot be a message; nothing after them can be understood. */
  readonly damage: ProxyError | undefined;
  /**
   * The stream has ended: returns what is kept and may be forwarded.
   *
   * @throws ProxyError `upstreamBroken` when a message was cut
   */
  end(): readonly Buffer[];
  /** How the client is told what went wrong, behind the whole messages that came out. */
  failure(error: ProxyError): FailureEnd;
}

/** The end of a stream that failed. */
export interface FailureEnd {
  /** Tells of it in the stream's own protocol. */
  readonly message: Buffer;
  /** The connection has to break behind it: there are clients that take a clean end for the end of a whole answer. */
  readonly breaks: boolean;
}

/** Longest message that is kept together: the limit of the AWS event-stream encoding, and room enough for any event. */
export const LONGEST_MESSAGE = 24 * 1024 * 1024;

/** Bytes of a message that is not complete, in the pieces in which they came. */
export interface HeldBytes {
  readonly length: number;
  /** Gives all of them out. */
  release(): Buffer[];
  /** Gives out what is held and `chunk` up to `boundary`, and holds the rest; with no boundary (0) holds all of it. */
  cut(chunk: Buffer, boundary: number): readonly Buffer[];
}

export function createHeldBytes(): HeldBytes {
  let pieces: Buffer[] = [];
  let length = 0;
  const release = (): Buffer[] => {
    const released = pieces;
    pieces = [];
    length = 0;
    return released;
  };
  return {
    get length() {
      return length;
    },
    release,
    cut(chunk, boundary) {
      if (length === 0 && boundary > 0 && boundary === chunk.length) return [chunk];
      const complete = boundary === 0 ? [] : [...release(), chunk.subarray(0, boundary)];
      if (boundary < chunk.length) {
        pieces.push(chunk.subarray(boundary));
        length += chunk.length - boundary;
      }
      return complete;
    },
  };
}
