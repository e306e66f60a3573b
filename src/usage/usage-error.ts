import { errorTypeIn } from '../aws/error-type.ts';
import { createBodyReader } from './body-reader.ts';
import { newTally } from './accumulator.ts';
import type { UsageTap } from './meter.ts';

/** Reads the type of an error out of its body, where the headers do not tell it. An error uses no tokens. */
export function createErrorTap(): UsageTap {
  const tally = newTally();
  const reader = createBodyReader(tally, false, (value) => {
    tally.errorType = errorTypeIn(value);
  });
  return {
    write: (bytes) => reader.write(bytes),
    end() {
      reader.end();
      return {};
    },
    announced: {},
    firstTokenSeen: false,
    facts: tally,
  };
}
