/** The pieces of a body, as they arrive. */
export interface Pieces {
  add(piece: Buffer): void;
  /** All of them, in order; nothing is to be added afterwards. */
  end(): Buffer[];
}

/** From this size on, copying a piece would cost more than the object around it. */
const SMALL = 4096;

/**
 * Collects pieces without letting small ones weigh more than they hold: the object around a byte takes two hundred, and
 * keeps alive all that was read from the socket with it. Small neighbours are joined; large pieces stay as they came.
 */
export function collectPieces(): Pieces {
  const pieces: Buffer[] = [];
  /** A small piece without a small neighbour yet: it may be the whole body, which then is not copied. */
  let alone: Buffer | undefined;
  let joint: Buffer | undefined;
  let used = 0;

  const flush = () => {
    if (alone !== undefined) pieces.push(alone);
    if (joint !== undefined && used > 0) pieces.push(Buffer.from(joint.subarray(0, used)));
    alone = undefined;
    used = 0;
  };
  const join = (piece: Buffer) => {
    joint ??= Buffer.allocUnsafe(SMALL);
    if (used + piece.length > SMALL) flush();
    used += piece.copy(joint, used);
  };

  return {
    add(piece) {
      if (piece.length >= SMALL) {
        flush();
        pieces.push(piece);
      } else if (alone === undefined && used === 0) {
        alone = piece;
      } else {
        const before = alone;
        alone = undefined;
        if (before !== undefined) join(before);
        join(piece);
      }
    },
    end() {
      flush();
      return pieces;
    },
  };
}
