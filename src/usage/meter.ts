import { createBodyReader } from './body-reader.ts';
import { isEmpty, member, type TokenCounts } from './formats.ts';
import { createEventReader } from './sse-reader.ts';
import { mergeCounts, withTotal } from './token-usage.ts';
import { createMessageReader } from './event-stream-reader.ts';
import { type AnswerFacts, newTally, type Tally, type Trouble, type UsageReader } from './accumulator.ts';

/** What an answer tells of its tokens. Empty for an operation that uses none. */
export interface Usage extends TokenCounts {
  /** What CountTokens counted. It costs nothing, so it stands apart from what is summed. */
  countedInputTokens?: number;
  source?: 'headers' | 'body' | 'stream';
  /** Why nothing is known. */
  unknown?: 'no usage in the answer' | 'ended by an error' | 'cut' | Trouble;
  /** The answer was cut, and these are the counts until then. */
  partial?: true;
}

export interface UsageTap {
  /**
   * Takes bytes of the answer, in order; they are not copied and must not change afterwards. Never throws. Keeps no more
   * than one message or body of up to 1 MiB, and the buffers that hold it.
   */
  write(bytes: Buffer): void;
  /**
   * The usage, once.
   *
   * @param complete false when the answer was cut or aborted
   */
  end(complete: boolean): Usage;
  /** What the answer's headers tell by themselves. */
  readonly announced: TokenCounts;
  /** A part of the model's text, reasoning or tool calls has gone by. Always false for an answer that is no stream. */
  readonly firstTokenSeen: boolean;
  /** So far. */
  readonly facts: AnswerFacts;
}

/** Operations whose answers tell tokens that were used. */
const METERED: ReadonlySet<string> = new Set([
  'Converse',
  'ConverseStream',
  'InvokeModel',
  'InvokeModelWithResponseStream',
  'ChatCompletions',
  'Responses',
  'Messages',
]);
const COUNTING = new Set(['CountTokens', 'CountMessageTokens']);

/** @param operationName as in `OPERATIONS` */
export function usesTokens(operationName: string): boolean {
  return METERED.has(operationName);
}

/**
 * Reads the usage out of an answer that passes by.
 *
 * @param operationName as in `OPERATIONS`
 * @param headers of Bedrock's answer, names in lower case
 */
export function createUsageTap(operationName: string, headers: Readonly<Record<string, string | string[]>>): UsageTap {
  const tally = newTally();
  const fromHeaders = countsOfHeaders(headers);
  const inHeaders = !isEmpty(fromHeaders);
  let counted: number | undefined;
  let reader: UsageReader | undefined;
  let source: 'headers' | 'body' | 'stream' = inHeaders ? 'headers' : 'body';
  if (COUNTING.has(operationName)) {
    reader = createBodyReader(tally, false, (value) => {
      const count = member(value, 'inputTokens') ?? member(value, 'input_tokens');
      if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) counted = count;
    });
  } else if (!usesTokens(operationName)) {
    return { write() {}, end: () => ({}), announced: {}, firstTokenSeen: false, facts: tally };
  } else if (headers['content-encoding'] !== undefined) {
    tally.trouble = 'answer not understood: compressed';
  } else {
    const type = String(headers['content-type']).split(';', 1)[0]?.trim().toLowerCase();
    if (type === 'application/vnd.amazon.eventstream') reader = createMessageReader(tally);
    else if (type === 'text/event-stream') reader = createEventReader(tally);
    else reader = createBodyReader(tally, inHeaders);
    if (type?.endsWith('stream') === true && !inHeaders) source = 'stream';
  }

  return {
    write(bytes) {
      reader?.write(bytes);
    },
    end(complete) {
      reader?.end();
      reader = undefined;
      if (counted !== undefined) return { countedInputTokens: counted, source: 'body' };
      const counts = inHeaders ? mergeCounts(tally.counts, fromHeaders) : tally.counts;
      if (isEmpty(counts)) return { unknown: whyUnknown(tally, complete) };
      const whole = complete && !tally.failed && (source !== 'stream' || counts.outputTokens !== undefined);
      if (!whole && !tally.final && !inHeaders) {
        const { totalTokens: _soFar, ...untilThen } = counts;
        return { ...untilThen, source, partial: true };
      }
      return { ...withTotal(counts), source };
    },
    get announced() {
      return withTotal(fromHeaders);
    },
    get firstTokenSeen() {
      return tally.firstTokenSeen;
    },
    facts: tally,
  };
}

function whyUnknown({ trouble, failed }: Tally, complete: boolean): NonNullable<Usage['unknown']> {
  if (!complete) return 'cut';
  return trouble ?? (failed ? 'ended by an error' : 'no usage in the answer');
}

const COUNT_HEADERS = [
  ['inputTokens', 'x-amzn-bedrock-input-token-count'],
  ['outputTokens', 'x-amzn-bedrock-output-token-count'],
  ['cacheReadInputTokens', 'x-amzn-bedrock-cache-read-input-token-count'],
  ['cacheWriteInputTokens', 'x-amzn-bedrock-cache-write-input-token-count'],
] as const;

/** InvokeModel's answers carry their counts in headers, for most models. */
function countsOfHeaders(headers: Readonly<Record<string, string | string[]>>): TokenCounts {
  const counts: TokenCounts = {};
  for (const [kind, name] of COUNT_HEADERS) {
    const value = headers[name];
    if (typeof value === 'string' && /^\d{1,15}$/.test(value)) counts[kind] = Number(value);
  }
  return counts;
}
