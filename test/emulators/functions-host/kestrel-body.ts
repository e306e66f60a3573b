import { readFields } from './kestrel-head.ts';

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

/** Longest line of a chunk's extensions, or of a trailer. */
const LONGEST_LINE = 32_768;

/** The size of a chunk with what ends it, and what may still become one. */
const SIZE = /^([0-9a-f]{1,8})(?:;|\r\n)/i;
const BEGUN_SIZE = /^[0-9a-f]{1,8}\r?$/i;
const LARGEST_SIZE = 0x7fff_ffff;

type State = 'size' | 'extension' | 'data' | 'end' | 'trailers' | 'over';

/**
 * Chunks as Kestrel reads them (`Http1ChunkedEncodingMessageBody`): every line ends with CR LF, what is no size is refused
 * without waiting for the end of its line, trailers are read as header fields and dropped.
 */
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

  const behindSize = (): State => (left === 0 ? 'trailers' : 'data');

  const steps: Record<State, (data: Buffer[]) => boolean> = {
    size() {
      const text = held.toString('latin1', 0, 10);
      if (text.length < 2) return false;
      const [sized, size] = SIZE.exec(text) ?? [];
      if (sized === undefined && BEGUN_SIZE.test(text)) return false;
      left = Number.parseInt(size ?? '', 16);
      if (sized === undefined || left > LARGEST_SIZE) throw new Error('Bad chunk size.');
      held = held.subarray(sized.length);
      state = sized.endsWith(';') ? 'extension' : behindSize();
      return true;
    },
    extension() {
      if (line() === undefined) return false;
      state = behindSize();
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
      if (text === undefined) return false;
      if (text === '') state = 'over';
      else if (readFields([text]) === undefined) throw new Error('Bad trailer.');
      return true;
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
