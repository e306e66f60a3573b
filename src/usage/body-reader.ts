import { type Accumulator, add, LONGEST_READ, type UsageReader } from './accumulator.ts';
import { USAGE_NAME } from './formats.ts';

/**
 * Reads an answer that is one JSON document.
 *
 * @param detailsOnly the headers tell the counts already: the body is parsed only if it may tell how they divide
 * @param take takes the parsed document
 */
export function createBodyReader(
  accumulator: Accumulator,
  detailsOnly: boolean,
  take: (value: unknown) => void = (value) => add(accumulator, value),
): UsageReader {
  let held: Buffer[] = [];
  let length = 0;
  return {
    read(pieces) {
      for (const bytes of pieces) {
        length += bytes.length;
        if (length <= LONGEST_READ) held.push(bytes);
        else held = [];
      }
    },
    end() {
      if (length > LONGEST_READ) {
        accumulator.trouble = 'answer not understood: too long';
        return;
      }
      const body = held.length === 1 ? held[0] : Buffer.concat(held);
      held = [];
      if (body === undefined || (detailsOnly && !body.includes(USAGE_NAME))) return;
      try {
        take(JSON.parse(body.toString('utf8')));
        accumulator.final = true;
      } catch {
        accumulator.trouble = 'answer not understood: not JSON';
      }
    },
  };
}
