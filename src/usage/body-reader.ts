import { LONGEST_READ, type Tally, tell, type UsageReader } from './accumulator.ts';

const USAGE = Buffer.from('"usage"');

/**
 * Reads an answer that is one JSON document.
 *
 * @param detailsOnly the headers tell the counts already: the body is parsed only if it may tell how they divide
 * @param read takes the parsed document
 */
export function createBodyReader(
  tally: Tally,
  detailsOnly: boolean,
  read: (value: unknown) => void = (value) => tell(tally, value),
): UsageReader {
  let pieces: Buffer[] = [];
  let length = 0;
  return {
    write(bytes) {
      length += bytes.length;
      if (length <= LONGEST_READ) pieces.push(bytes);
      else pieces = [];
    },
    end() {
      if (length > LONGEST_READ) {
        tally.trouble = 'answer not understood: too long';
        return;
      }
      const body = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
      pieces = [];
      if (body === undefined || (detailsOnly && !body.includes(USAGE))) return;
      try {
        read(JSON.parse(body.toString('utf8')));
        tally.final = true;
      } catch {
        tally.trouble = 'answer not understood: not JSON';
      }
    },
  };
}
