/** From this size on, copying a chunk would cost more than the object around it. */
const LARGE_CHUNK = 4096;

/** Chunks of an answer that wait to be taken, in order. */
export interface ChunkQueue {
  readonly bytes: number;
  add(chunk: Buffer): void;
  /**
   * The next bytes: a large chunk as it came, small ones joined, since as many objects as there are tiny chunks would
   * weigh a hundred times their bytes. Undefined when none waits.
   */
  take(): Buffer | undefined;
}

export function createChunkQueue(): ChunkQueue {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    add(chunk) {
      chunks.push(chunk);
      bytes += chunk.length;
    },
    take() {
      if (chunks.length < 2) {
        bytes = 0;
        return chunks.pop();
      }
      const large = chunks.findIndex(({ length }) => length >= LARGE_CHUNK);
      const small = chunks.splice(0, large === -1 ? chunks.length : Math.max(1, large));
      const taken = small.length > 1 ? Buffer.concat(small) : small[0];
      bytes -= taken?.length ?? 0;
      return taken;
    },
  };
}
