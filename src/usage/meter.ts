import { errorTypeIn, errorTypeOf, isErrorAnswer } from '../aws/error-type.ts';
import { member } from '../json/member.ts';
import { type AnswerHead, framedFormat, isCompressed } from '../streams/format.ts';
import { type Accumulator, newAccumulator, type Trouble, type UsageReader } from './accumulator.ts';
import { addFacts, type AnswerFacts, factsInHeaders } from './answer-facts.ts';
import { createBodyReader } from './body-reader.ts';
import { createEventStreamReader } from './event-stream-reader.ts';
import { usageInHeaders } from './headers.ts';
import { withTokensApart } from './iterations.ts';
import { createServerSentEventsReader } from './sse-reader.ts';
import { isEmpty, mergeUsage, type TokenUsage, withTotal } from './token-usage.ts';

/** What an operation's answers tell: tokens that were used, or tokens that were only counted, which costs nothing. */
export type Metering = 'used' | 'counted';

/** What an answer tells of its tokens. Empty for an operation that uses none. */
export interface Usage extends TokenUsage {
  /** What CountTokens counted. It costs nothing, so it stands apart from what is summed. */
  countedInputTokens?: number;
  source?: 'headers' | 'body' | 'stream';
  /** Why nothing is known. */
  unknown?: 'no usage in the answer' | 'ended by an error' | 'cut' | Trouble;
  /** The answer was cut, and these are the counts until then. */
  partial?: true;
}

export interface UsageMeter {
  /**
   * Takes the pieces of one or several whole messages of a stream, or the next ones of a body; they are not copied and
   * must not change afterwards. Never throws. Keeps no more than one message or body of up to 1 MiB, and the buffers that
   * hold it.
   */
  read(pieces: readonly Buffer[]): void;
  /**
   * The stream has come to a clean end: no more pieces will count. False when its message has begun and not ended, or
   * nothing has come at all: it was cut. True where the end of a message is not known, and after an error of Bedrock's.
   */
  endedWhole(): boolean;
  /**
   * The usage: decided by the first call, which is followed by no more pieces; further ones give the same.
   *
   * @param complete false when the answer was cut or aborted
   */
  end(complete: boolean): Usage;
  /** What the answer's headers tell by themselves. */
  readonly announced: TokenUsage;
  /** A part of the model's text, reasoning or tool calls has gone by. Always false for an answer that is no stream. */
  readonly firstTokenSeen: boolean;
  /** So far. */
  readonly facts: AnswerFacts;
}

/**
 * Reads the usage, and the type of an error, out of an answer that passes by.
 *
 * @param metering undefined for an operation whose answers tell no tokens
 * @param onUsage told of the usage once, when it is decided
 * @param modelId of the model that was asked for, if that is known: some count in their own way
 */
export function createMeter(
  metering: Metering | undefined,
  head: AnswerHead,
  onUsage?: (usage: TokenUsage) => void,
  modelId?: string,
): UsageMeter {
  const accumulator = newAccumulator(modelId);
  const { reader, conclude, announced = {} } = readingOf(metering, head, accumulator);
  let decided: Usage | undefined;
  let ended = false;
  const endReading = () => {
    if (!ended) reader?.end();
    ended = true;
  };
  return {
    read(pieces) {
      if (!ended) reader?.read(pieces);
    },
    endedWhole() {
      endReading();
      const { failed, trouble, events, awaitedEnd } = accumulator;
      // What was too long to be read may have been the end.
      if (reader === undefined || failed || trouble === 'answer not understood: too long') return true;
      return events > 0 && awaitedEnd === undefined;
    },
    end(complete) {
      if (decided !== undefined) return decided;
      endReading();
      Object.assign(accumulator, factsInHeaders(head.headers));
      decided = conclude(complete);
      onUsage?.(decided);
      return decided;
    },
    announced,
    get firstTokenSeen() {
      return accumulator.firstTokenSeen;
    },
    facts: accumulator,
  };
}

/** How one kind of answer is read. */
interface Reading {
  readonly reader?: UsageReader;
  /** What was used, once all of the answer has been read. */
  readonly conclude: (complete: boolean) => Usage;
  readonly announced?: TokenUsage;
}

function readingOf(metering: Metering | undefined, head: AnswerHead, accumulator: Accumulator): Reading {
  if (isErrorAnswer(head)) return readError(head, accumulator);
  if (metering === 'used') return readUsage(head, accumulator);
  return metering === 'counted' ? readCount(accumulator) : readFacts(head, accumulator);
}

/** An answer that tells no tokens, or those of another: a stored response has been counted when it was made. */
function readFacts(head: AnswerHead, accumulator: Accumulator): Reading {
  if (framedFormat(head) !== undefined || isCompressed(head.headers)) return { conclude: nothing };
  const take = (value: unknown) => addFacts(accumulator, value);
  return { reader: createBodyReader(accumulator, true, take), conclude: nothing };
}

function nothing(): Usage {
  return {};
}

/** An error uses no tokens. Its type is in its body where the headers do not tell it. */
function readError({ headers }: AnswerHead, accumulator: Accumulator): Reading {
  accumulator.errorType = errorTypeOf(headers);
  if (accumulator.errorType !== undefined) return { conclude: nothing };
  const takeType = (value: unknown) => {
    accumulator.errorType = errorTypeIn(value);
  };
  return { reader: createBodyReader(accumulator, false, takeType), conclude: nothing };
}

function readCount(accumulator: Accumulator): Reading {
  let counted: number | undefined;
  const takeCount = (value: unknown) => {
    const count = member(value, 'inputTokens') ?? member(value, 'input_tokens');
    if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) counted = count;
  };
  return {
    reader: createBodyReader(accumulator, false, takeCount),
    conclude: (complete) =>
      counted === undefined
        ? { unknown: whyUnknown(accumulator, complete) }
        : { countedInputTokens: counted, source: 'body' },
  };
}

function readUsage(head: AnswerHead, accumulator: Accumulator): Reading {
  const fromHeaders = usageInHeaders(head.headers);
  const inHeaders = !isEmpty(fromHeaders);
  const format = framedFormat(head);
  const source = inHeaders ? 'headers' : format === undefined ? 'body' : 'stream';
  const conclude = (complete: boolean): Usage => {
    const { apart, besideApart } = accumulator;
    const told = inHeaders ? mergeUsage(accumulator.usage, fromHeaders) : accumulator.usage;
    const usage = withTokensApart(told, apart, besideApart);
    if (isEmpty(usage)) {
      // An error in the place of the answer.
      if (source === 'body' && accumulator.errorType !== undefined) return {};
      return { unknown: whyUnknown(accumulator, complete) };
    }
    const whole = complete && !accumulator.failed && (source !== 'stream' || usage.outputTokens !== undefined);
    if (whole || accumulator.final || inHeaders) return { ...withTotal(usage), source };
    const { totalTokens: _soFar, ...untilThen } = usage;
    return { ...untilThen, source, partial: true };
  };
  const announced = withTotal(fromHeaders);
  if (isCompressed(head.headers)) {
    accumulator.trouble = 'answer not understood: compressed';
    return { conclude, announced };
  }
  const reader =
    format === 'eventStream'
      ? createEventStreamReader(accumulator)
      : format === 'serverSentEvents'
        ? createServerSentEventsReader(accumulator)
        : createBodyReader(accumulator, inHeaders);
  return { reader, conclude, announced };
}

function whyUnknown({ trouble, failed }: Accumulator, complete: boolean): NonNullable<Usage['unknown']> {
  if (!complete) return 'cut';
  return trouble ?? (failed ? 'ended by an error' : 'no usage in the answer');
}
