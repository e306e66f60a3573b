/** From this size on, copying a piece would cost more than the object around it. */
const LARGE_PIECE = 4096;

/** Pieces of an answer that wait to be taken, in order. */
export interface PieceQueue {
  readonly bytes: number;
  add(piece: Buffer): void;
  /**
   * The next bytes: a large piece as it came, small ones joined, since as many objects as there are tiny pieces would
   * weigh a hundred times their bytes. Undefined when none waits.
   */
  take(): Buffer | undefined;
}

export function createPieceQueue(): PieceQueue {
  const pieces: Buffer[] = [];
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    add(piece) {
      pieces.push(piece);
      bytes += piece.length;
    },
    take() {
      const large = pieces.findIndex(({ length }) => length >= LARGE_PIECE);
      const small = pieces.splice(0, large === -1 ? pieces.length : Math.max(1, large));
      const taken = small.length > 1 ? Buffer.concat(small) : small[0];
      bytes -= taken?.length ?? 0;
      return taken;
    },
  };
}
