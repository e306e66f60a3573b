/** What the next bytes of a connection are to the body of a request. */
export interface BodyReader {
  /**
   * Takes bytes. `data` is of the body; `rest` follows it, and is there only when the body has ended.
   *
   * @throws Error for chunks that are none
   */
  push(bytes: Buffer): { readonly data: readonly Buffer[]; readonly rest: Buffer | undefined };
}

export function readLength(length: number): BodyReader {
  let left = length;
  return {
    push(bytes) {
      const data = bytes.subarray(0, left);
      left -= data.length;
      return { data: [data], rest: left === 0 ? bytes.subarray(data.length) : undefined };
    },
  };
}

/** Longest line of a chunk's size and extensions, or of a trailer. */
const LONGEST_LINE = 32_768;

type State = 'size' | 'data' | 'end' | 'trailers' | 'over';

/** Chunks as Kestrel reads them (`Http1ChunkedEncodingMessageBody`): every line ends with CR LF, trailers are dropped. */
export function readChunks(): BodyReader {
  let state: State = 'size';
  let left = 0;
  let held: Buffer = Buffer.alloc(0);

  /** The next line without its end; undefined when it is not complete. */
  const line = (): string | undefined => {
    const end = held.indexOf('\n');
    if (end === -1 && held.length <= LONGEST_LINE) return undefined;
    const text = held.toString('latin1', 0, end + 1);
    if (!text.endsWith('\r\n') || text.length > LONGEST_LINE || text.slice(0, -2).includes('\r')) {
      throw new Error('Bad chunk.');
    }
    held = held.subarray(end + 1);
    return text.slice(0, -2);
  };

  const steps: Record<State, (data: Buffer[]) => boolean> = {
    size() {
      const text = line();
      if (text === undefined) return false;
      const size = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(text)?.[1];
      if (size === undefined) throw new Error('Bad chunk size.');
      left = Number.parseInt(size, 16);
      state = left === 0 ? 'trailers' : 'data';
      return true;
    },
    data(data) {
      if (held.length === 0) return false;
      const piece = held.subarray(0, left);
      data.push(piece);
      left -= piece.length;
      held = held.subarray(piece.length);
      if (left === 0) state = 'end';
      return true;
    },
    end() {
      const text = held.toString('latin1', 0, 2);
      if (!'\r\n'.startsWith(text)) throw new Error('Bad end of a chunk.');
      if (text.length < 2) return false;
      held = held.subarray(2);
      state = 'size';
      return true;
    },
    trailers() {
      const text = line();
      if (text === '') state = 'over';
      return text !== undefined;
    },
    over: () => false,
  };

  return {
    push(bytes) {
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
      const data: Buffer[] = [];
      while (steps[state](data));
      return { data, rest: state === 'over' ? held : undefined };
    },
  };
}
