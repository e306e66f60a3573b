import { type Accumulator, add, LONGEST_READ, type UsageReader } from './accumulator.ts';
import { TELLING_NAMES } from './answer-facts.ts';
import { createJsonTail, type JsonTail, readJsonTail } from './json-tail.ts';

/**
 * Reads an answer that is one JSON document. Of one that is too long to be kept its end is read.
 *
 * @param detailsOnly the headers tell the counts already: the body is parsed only if it may tell more
 * @param take takes the parsed document, or the members that it ends with
 */
export function createBodyReader(
  accumulator: Accumulator,
  detailsOnly: boolean,
  take: (value: unknown) => void = (value) => add(accumulator, value),
): UsageReader {
  let held: Buffer[] = [];
  let tail: JsonTail | undefined;
  let length = 0;
  return {
    read(pieces) {
      for (const bytes of pieces) {
        length += bytes.length;
        if (length <= LONGEST_READ) held.push(bytes);
        else {
          tail ??= createJsonTail();
          for (const piece of [...held, bytes]) tail.push(piece);
          held = [];
        }
      }
    },
    end() {
      if (tail !== undefined) {
        accumulator.trouble = 'answer not understood: too long';
        take(readJsonTail(tail.bytes));
        accumulator.final = true;
        return;
      }
      const body = held.length === 1 ? held[0] : Buffer.concat(held);
      held = [];
      if (body === undefined || body.length === 0) return;
      if (detailsOnly && !TELLING_NAMES.some((name) => body.includes(name))) return;
      try {
        take(JSON.parse(body.toString('utf8')));
        accumulator.final = true;
      } catch {
        accumulator.trouble = 'answer not understood: not JSON';
      }
    },
  };
}
