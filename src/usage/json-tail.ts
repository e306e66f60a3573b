/** Bytes of the end of what is too long to be kept, where all dialects have their usage. */
const TAIL = 32 * 1024;

/** Places in a tail at which it is tried to begin. */
const MOST_TRIES = 8;

/** Members of an answer's top level that stand near its end and tell something. */
const NAMES =
  /"(?:usage|metadata|meta|stopReason|stop_reason|finish_reason|service_tier|serviceTier|performanceConfig|inputTextTokenCount|inputTokenCount|prompt_token_count|amazon-bedrock-\w+)"\s*:/g;

/** Keeps the last bytes of what passes by, in a memory of its own: the pieces are free afterwards. */
export interface JsonTail {
  push(bytes: Buffer): void;
  /** What the bytes end with. */
  readonly bytes: Buffer;
}

export function createJsonTail(): JsonTail {
  const kept = Buffer.alloc(2 * TAIL);
  let length = 0;
  return {
    push(bytes) {
      const last = bytes.subarray(-TAIL);
      if (length + last.length > kept.length) {
        kept.copyWithin(0, length - TAIL, length);
        length = TAIL;
      }
      length += last.copy(kept, length);
    },
    get bytes() {
      return kept.subarray(Math.max(0, length - TAIL), length);
    },
  };
}

/**
 * The last members of a JSON object of which only the end is known. Nothing within it can be mistaken for them: in a
 * string their quotes would be escaped, and what is nested deeper leaves more brackets open than it may.
 *
 * @param opening what the object begins with: `{`, or more where the members stand in one of its own
 * @returns undefined where nothing is found within a bounded number of attempts
 */
export function readJsonTail(bytes: Buffer, opening = '{'): unknown {
  // One character a byte, so that offsets stay those of the bytes.
  const places = Array.from(bytes.toString('latin1').matchAll(NAMES), ({ index }) => index).slice(-MOST_TRIES);
  for (const at of places) {
    try {
      return JSON.parse(opening + bytes.toString('utf8', at));
    } catch {
      // It stands deeper in the object, or the end is no JSON.
    }
  }
  return undefined;
}
