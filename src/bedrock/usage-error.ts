import { errorTypeIn } from './error-type.ts';
import { createBodyReader } from './usage-body.ts';
import { newTally } from './usage-tally.ts';
import type { UsageTap } from './usage.ts';

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
